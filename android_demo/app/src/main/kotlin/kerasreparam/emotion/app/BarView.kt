package kerasreparam.emotion.app

import android.content.Context
import android.graphics.Canvas
import android.graphics.Paint
import android.util.AttributeSet
import android.view.View

/** A bar, filled from its beginning: a score, or how loud it is. */
internal class BarView(context: Context, attributes: AttributeSet?) : View(context, attributes) {
    private val paint = Paint(Paint.ANTI_ALIAS_FLAG)

    /** The filled part, from 0 to 1. */
    var fraction = 0f
        set(value) {
            val next = value.coerceIn(0f, 1f)
            if (next != field) {
                field = next
                invalidate()
            }
        }

    var colour = context.getColor(R.color.accent)
        set(value) {
            field = value
            invalidate()
        }

    override fun onDraw(canvas: Canvas) {
        paint.color = context.getColor(R.color.track)
        draw(canvas, 0f, width.toFloat())
        if (fraction > 0) {
            // Never narrower than it is high: the ends are round.
            val filled = maxOf(height.toFloat(), fraction * width)
            paint.color = colour
            if (layoutDirection == LAYOUT_DIRECTION_RTL) {
                draw(canvas, width - filled, width.toFloat())
            } else {
                draw(canvas, 0f, filled)
            }
        }
    }

    private fun draw(canvas: Canvas, left: Float, right: Float) {
        val radius = height / 2f
        canvas.drawRoundRect(left, 0f, right, height.toFloat(), radius, radius, paint)
    }
}
