package kerasreparam.emotion.app

import android.content.Context
import android.util.AttributeSet
import android.util.TypedValue
import android.widget.TextView

/** Text as large as it says, but no larger than lets its longest word stand in one line. */
internal class FittingTextView(context: Context, attributes: AttributeSet?) :
    TextView(context, attributes) {
    private val wanted = textSize

    override fun onMeasure(widthMeasureSpec: Int, heightMeasureSpec: Int) {
        val room = MeasureSpec.getSize(widthMeasureSpec) - paddingLeft - paddingRight
        if (MeasureSpec.getMode(widthMeasureSpec) != MeasureSpec.UNSPECIFIED && room > 0) fit(room)
        super.onMeasure(widthMeasureSpec, heightMeasureSpec)
    }

    private fun fit(room: Int) {
        setTextSize(TypedValue.COMPLEX_UNIT_PX, wanted)
        val longest = text.split(' ').maxOf { paint.measureText(it) }
        if (longest > room) setTextSize(TypedValue.COMPLEX_UNIT_PX, 0.98f * wanted * room / longest)
    }
}
