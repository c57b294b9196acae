package kerasreparam.emotion.app

import android.content.Context
import android.text.TextPaint
import android.util.AttributeSet
import android.util.TypedValue
import android.widget.TextView

/** Text as large as it says, but no larger than lets its longest word stand in one line. */
internal class FittingTextView(context: Context, attributes: AttributeSet?) :
    TextView(context, attributes) {
    private val wanted = textSize
    private val measuring = TextPaint()

    override fun onMeasure(widthMeasureSpec: Int, heightMeasureSpec: Int) {
        val room = MeasureSpec.getSize(widthMeasureSpec) - paddingLeft - paddingRight
        if (MeasureSpec.getMode(widthMeasureSpec) != MeasureSpec.UNSPECIFIED && room > 0) fit(room)
        super.onMeasure(widthMeasureSpec, heightMeasureSpec)
    }

    private fun fit(room: Int) {
        measuring.set(paint)
        measuring.textSize = wanted
        val longest = text.split(' ', '\n').maxOf { measuring.measureText(it) }
        val size = if (longest > room) MARGIN * wanted * room / longest else wanted
        // Only when it changes: it asks for a layout.
        if (size != textSize) setTextSize(TypedValue.COMPLEX_UNIT_PX, size)
    }

    private companion object {
        // Widths do not shrink exactly as sizes do.
        const val MARGIN = 0.98f
    }
}
