package kerasreparam.emotion.app

import android.content.Context
import android.graphics.Canvas
import android.graphics.Paint
import android.graphics.RectF
import android.text.TextPaint
import android.util.AttributeSet
import android.util.TypedValue
import android.view.View
import kotlin.math.ceil
import kotlin.math.roundToInt

/**
 * A [Timeline]: a lane per class and one for "unsure", each with its name and a swatch of its
 * colour as the legend; where there was silence every lane is empty. Place tells classes apart as
 * well as colour does. Names that would take too much of the width stand above their lanes.
 */
internal class TimelineView(context: Context, attributes: AttributeSet?) : View(context, attributes) {
    private val text = TextPaint(Paint.ANTI_ALIAS_FLAG)
    private val fill = Paint(Paint.ANTI_ALIAS_FLAG)
    private val line = Paint(Paint.ANTI_ALIAS_FLAG)
    private val box = RectF()
    private val gap = dp(8f)
    private val swatch = dp(12f)
    private var timeline = Timeline()
    private var names = emptyList<String>()
    private var colours = IntArray(0)
    private var lane = 0f
    private var laneTop = 0f
    private var plotLeft = 0f

    init {
        text.textSize =
            TypedValue.applyDimension(TypedValue.COMPLEX_UNIT_SP, 14f, resources.displayMetrics)
        text.color = context.getColor(R.color.text_secondary)
        line.color = context.getColor(R.color.text_secondary)
        line.strokeWidth = dp(1f)
    }

    /** Names and colours of the classes; what is unsure is added. */
    fun setClasses(names: List<String>, colours: IntArray) {
        val all = names + context.getString(R.string.unsure)
        if (all == this.names) return
        this.names = all
        this.colours = colours + context.getColor(R.color.unsure)
        requestLayout()
    }

    fun show(timeline: Timeline) {
        this.timeline = timeline
        contentDescription = describe()
        invalidate()
    }

    override fun onMeasure(widthMeasureSpec: Int, heightMeasureSpec: Int) {
        val width = getDefaultSize(suggestedMinimumWidth, widthMeasureSpec)
        val legend = swatch + gap + (names.maxOfOrNull { text.measureText(it) } ?: 0f) + gap
        val beside = legend <= MAX_LEGEND * width
        plotLeft = if (beside) legend else 0f
        laneTop = if (beside) 0f else 1.1f * lineHeight()
        lane = laneTop + if (beside) maxOf(dp(26f), 1.35f * lineHeight()) else dp(26f)
        val height = names.size * lane + 1.5f * lineHeight()
        setMeasuredDimension(width, resolveSize(ceil(height).toInt(), heightMeasureSpec))
    }

    override fun onDraw(canvas: Canvas) {
        for (i in names.indices) drawLane(canvas, i)
        for (i in timeline.bands.indices) drawBand(canvas, timeline.bands[i])
        drawAxis(canvas)
    }

    private fun drawLane(canvas: Canvas, i: Int) {
        val height = if (laneTop > 0) laneTop else lane
        val middle = i * lane + height / 2
        fill.color = colours[i]
        box.set(0f, middle - swatch / 2, swatch, middle + swatch / 2)
        canvas.drawRoundRect(box, swatch / 4, swatch / 4, fill)
        val baseline = middle - (text.ascent() + text.descent()) / 2
        text.textAlign = Paint.Align.LEFT
        canvas.drawText(names[i], swatch + gap, baseline, text)
        fill.color = context.getColor(R.color.track)
        placeInLane(i, plotLeft, width.toFloat())
        canvas.drawRect(box, fill)
    }

    private fun drawBand(canvas: Canvas, band: Timeline.Band) {
        val left = maxOf(plotLeft, x(band.from))
        if (band.kind == Timeline.BREAK) {
            if (x(band.from) > plotLeft) canvas.drawLine(left, 0f, left, names.size * lane, line)
            return
        }
        if (band.kind == Timeline.SILENCE) return
        val i = if (band.kind == Timeline.UNSURE) names.size - 1 else band.kind
        if (i !in colours.indices) return
        fill.color = colours[i]
        placeInLane(i, left, x(band.to))
        canvas.drawRect(box, fill)
    }

    private fun drawAxis(canvas: Canvas) {
        val baseline = names.size * lane + 0.4f * lineHeight() - text.ascent()
        text.textAlign = Paint.Align.LEFT
        canvas.drawText(context.getString(R.string.timeline_begin), plotLeft, baseline, text)
        text.textAlign = Paint.Align.RIGHT
        canvas.drawText(context.getString(R.string.timeline_end), width.toFloat(), baseline, text)
    }

    private fun placeInLane(i: Int, left: Float, right: Float) {
        val top = i * lane + laneTop
        val margin = 0.12f * (lane - laneTop)
        box.set(left, top + margin, right, (i + 1) * lane - margin)
    }

    private fun x(seconds: Double): Float =
        (width - (timeline.end - seconds) / Timeline.SECONDS * (width - plotLeft)).toFloat()

    /** What TalkBack reads: how long each was heard. */
    private fun describe(): String {
        val parts = names.indices.map { i ->
            val kind = if (i == names.size - 1) Timeline.UNSURE else i
            Pair(names[i], timeline.seconds(kind).roundToInt())
        } + Pair(context.getString(R.string.silence), timeline.seconds(Timeline.SILENCE).roundToInt())
        val heard = parts.filter { it.second > 0 }
            .joinToString { context.getString(R.string.timeline_part, it.first, it.second) }
        return context.getString(
            R.string.timeline_description, heard.ifEmpty { context.getString(R.string.timeline_empty) },
        )
    }

    private fun lineHeight() = text.descent() - text.ascent()

    private fun dp(value: Float) = value * resources.displayMetrics.density

    private companion object {
        const val MAX_LEGEND = 0.45f
    }
}
