package kerasreparam.emotion.app

import android.app.Activity
import android.content.ActivityNotFoundException
import android.content.Intent
import android.net.Uri
import android.os.Bundle
import android.widget.Button
import android.widget.Toast

/** How it works, what it cannot do, and where the paper is. */
internal class AboutActivity : Activity() {
    override fun onCreate(savedInstanceState: Bundle?) {
        super.onCreate(savedInstanceState)
        showPage(R.layout.about)
        view<Button>(R.id.paper).setOnClickListener { openPaper() }
        view<Button>(R.id.notices).setOnClickListener {
            startActivity(Intent(this, NoticesActivity::class.java))
        }
    }

    private fun openPaper() {
        val address = getString(R.string.paper_address)
        try {
            startActivity(Intent(Intent.ACTION_VIEW, Uri.parse(address)))
        } catch (_: ActivityNotFoundException) {
            Toast.makeText(this, address, Toast.LENGTH_LONG).show()
        }
    }
}
