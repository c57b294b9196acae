package kerasreparam.emotion.app

import android.content.Context
import android.util.AttributeSet
import android.view.LayoutInflater
import android.view.View
import android.widget.LinearLayout
import android.widget.TextView
import java.text.NumberFormat

/** A bar per class, with its name and score. */
internal class ClassBars(context: Context, attributes: AttributeSet?) :
    LinearLayout(context, attributes) {
    private class Row(val whole: View, val name: TextView, val score: TextView, val bar: BarView)

    private val percent = NumberFormat.getPercentInstance()
    private val rows = ArrayList<Row>()
    private var names = emptyList<String>()

    init {
        orientation = VERTICAL
    }

    fun setClasses(names: List<String>, colours: IntArray) {
        if (names == this.names) return
        this.names = names
        removeAllViews()
        rows.clear()
        for ((i, name) in names.withIndex()) {
            val row = inflate()
            row.name.text = name
            row.bar.colour = colours[i]
            rows.add(row)
        }
        setScores(null)
    }

    /** Shows a score per class, or empty bars. */
    fun setScores(scores: FloatArray?) {
        for ((i, row) in rows.withIndex()) {
            val score = scores?.getOrNull(i)
            row.bar.fraction = score ?: 0f
            row.score.text = score?.let { percent.format(it.toDouble()) } ?: ""
            row.whole.contentDescription = "${row.name.text} ${row.score.text}"
        }
    }

    private fun inflate(): Row {
        val view = LayoutInflater.from(context).inflate(R.layout.class_bar, this, false)
        addView(view)
        return Row(view, view.view(R.id.class_name), view.view(R.id.class_score), view.view(R.id.class_bar))
    }
}
