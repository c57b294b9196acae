package kerasreparam.emotion.app

import android.app.Activity
import android.os.Bundle
import android.widget.ArrayAdapter
import android.widget.ListView

/** Licenses of what is inside the app, as the build has put them together. */
internal class NoticesActivity : Activity() {
    override fun onCreate(savedInstanceState: Bundle?) {
        super.onCreate(savedInstanceState)
        showPage(R.layout.notices)
        val text = assets.open("notices.txt").bufferedReader().use { it.readText() }
        // A list lays out what is seen; one text of this length would take a second.
        view<ListView>(R.id.paragraphs).adapter =
            ArrayAdapter(this, R.layout.notice_paragraph, text.trim().split(Regex("\n\\s*\n")))
    }
}
