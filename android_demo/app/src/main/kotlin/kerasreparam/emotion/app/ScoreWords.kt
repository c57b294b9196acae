package kerasreparam.emotion.app

import android.content.Context
import java.text.NumberFormat
import kerasreparam.emotion.ModelInfo
import kotlin.math.floor
import kotlin.math.log10

/**
 * How the scores of a model are said: probabilities in percent, beside bars; values with their unit,
 * and their range in place of a bar.
 */
internal class ScoreWords(context: Context, private val model: ModelInfo) {
    private val format: NumberFormat

    /** How far values go; `null` of probabilities. */
    val range: String?

    init {
        if (model.head == ModelInfo.Head.LINEAR) {
            // Three digits of what the range spans, as in Python.
            val digits = maxOf(0, 2 - floor(log10(model.highest - model.lowest)).toInt())
            format = NumberFormat.getInstance().apply {
                minimumFractionDigits = digits
                maximumFractionDigits = digits
            }
            range = context.getString(
                R.string.value_range, format.format(model.lowest), format.format(model.highest),
            )
        } else {
            format = NumberFormat.getPercentInstance()
            range = null
        }
    }

    fun of(score: Float): String = "${format.format(score.toDouble())} ${model.unit}".trimEnd()
}
