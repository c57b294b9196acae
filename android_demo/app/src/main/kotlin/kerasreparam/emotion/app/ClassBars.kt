package kerasreparam.emotion.app

import android.content.Context
import android.util.AttributeSet
import android.view.LayoutInflater
import android.view.View
import android.widget.LinearLayout
import android.widget.TextView

/** A bar per class, with its name and score; a value has its range in place of the bar. */
internal class ClassBars(context: Context, attributes: AttributeSet?) :
    LinearLayout(context, attributes) {
    private class Row(val whole: View) {
        val name: TextView = whole.view(R.id.class_name)
        val score: TextView = whole.view(R.id.class_score)
        val bar: BarView = whole.view(R.id.class_bar)
        val range: TextView = whole.view(R.id.class_range)
    }

    private val rows = ArrayList<Row>()
    private lateinit var words: ScoreWords

    init {
        orientation = VERTICAL
    }

    fun setClasses(names: List<String>, colours: IntArray, words: ScoreWords) {
        this.words = words
        removeAllViews()
        rows.clear()
        for ((i, name) in names.withIndex()) {
            val row = inflate()
            row.name.text = name
            row.bar.colour = colours[i]
            row.bar.showIf(words.range == null)
            row.range.showIf(words.range != null)
            row.range.text = words.range
            rows.add(row)
        }
        setScores(null)
    }

    /** Shows a score per class or value, or none. */
    fun setScores(scores: FloatArray?) {
        for ((i, row) in rows.withIndex()) {
            val score = scores?.getOrNull(i)
            row.bar.fraction = score ?: 0f
            row.score.text = score?.let { words.of(it) } ?: ""
            row.whole.contentDescription =
                listOf(row.name.text, row.score.text, row.range.text).joinToString(" ").trimEnd()
        }
    }

    private fun inflate(): Row {
        val view = LayoutInflater.from(context).inflate(R.layout.class_bar, this, false)
        addView(view)
        return Row(view)
    }
}
