package kerasreparam.emotion.app

import android.app.Activity
import android.os.Build
import android.view.View
import android.view.WindowInsets
import android.widget.TextView

/** Marks code that calls newer Android than the oldest one supported, after a look at SDK_INT. */
@Retention(AnnotationRetention.BINARY)
@Target(AnnotationTarget.FUNCTION)
internal annotation class LooksAtSdk

internal fun <T : View> Activity.view(id: Int): T = findViewById<T>(id)!!

internal fun <T : View> View.view(id: Int): T = findViewById<T>(id)!!

/** Shows what lies behind the main screen, with its way back. */
internal fun Activity.showPage(layout: Int) {
    setContentView(layout)
    view<View>(R.id.root).keepClearOfSystemBars()
    view<View>(R.id.back).setOnClickListener { finish() }
}

/** Sets a text only if it is another one: TalkBack reads a live region out whenever it is set. */
internal fun TextView.show(words: CharSequence) {
    if (text.toString() != words.toString()) text = words
}

internal fun View.showIf(visible: Boolean) {
    visibility = if (visible) View.VISIBLE else View.GONE
}

/** Keeps what is inside clear of system bars and camera cutouts. */
internal fun View.keepClearOfSystemBars() {
    setOnApplyWindowInsetsListener { view, insets ->
        pad(view, insets)
        insets
    }
}

@LooksAtSdk
@Suppress("DEPRECATION")
private fun pad(view: View, insets: WindowInsets) {
    if (Build.VERSION.SDK_INT >= Build.VERSION_CODES.R) {
        val bars = insets.getInsets(
            WindowInsets.Type.systemBars() or WindowInsets.Type.displayCutout(),
        )
        view.setPadding(bars.left, bars.top, bars.right, bars.bottom)
    } else {
        view.setPadding(
            insets.systemWindowInsetLeft, insets.systemWindowInsetTop,
            insets.systemWindowInsetRight, insets.systemWindowInsetBottom,
        )
    }
}
