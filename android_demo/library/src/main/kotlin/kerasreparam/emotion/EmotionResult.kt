package kerasreparam.emotion

/**
 * What was heard in a window of sound, or in a whole clip.
 *
 * @property state whether there is an emotion to name.
 * @property labels the model's classes, or the names of its values, in the order of [scores].
 * @property scores one probability per class, or the values, smoothed if the options say so; all zero
 *   in silence. Probabilities' sum is 1, unless the classes are independent ([ModelInfo.Head.SIGMOID]).
 * @property decibels how loud the sound in it was, relative to full scale, zeros and mean left out;
 *   negative infinity for digital silence.
 * @property startSeconds where it begins, counted from the beginning of the recording or clip.
 * @property endSeconds where it ends.
 * @property latencyMillis how long the model took; 0 in silence, which it does not see.
 * @property skippedWindows windows left out just before this one because the phone is too slow.
 */
class EmotionResult internal constructor(
    val state: State,
    val labels: List<String>,
    val scores: FloatArray,
    val decibels: Float,
    val startSeconds: Double,
    val endSeconds: Double,
    val latencyMillis: Double,
    val skippedWindows: Int,
) {
    /** Whether there is an emotion to name, or values. */
    enum class State {
        /** The class with the highest score is likely enough. */
        EMOTION,

        /** No class is likely enough. */
        UNSURE,

        /** Too quiet to say anything. */
        SILENCE,

        /** The model gives values instead of classes ([ModelInfo.Head.LINEAR]). */
        VALUES,
    }

    /** Index of the class with the highest score; -1 in silence, and of values. */
    val top: Int =
        if (state == State.EMOTION || state == State.UNSURE) indexOfHighest(scores) else -1

    /** The class with the highest score, or `null` in silence, when unsure, and of values. */
    val label: String? get() = if (state == State.EMOTION) labels[top] else null

    /** The values by name, in [ModelInfo.unit]; empty in silence, and of classes. */
    val values: Map<String, Float>
        get() = if (state == State.VALUES) labels.zip(scores.asList()).toMap() else emptyMap()

    override fun toString(): String = when (state) {
        State.SILENCE -> "silence"
        State.UNSURE -> "unsure"
        State.EMOTION -> "${labels[top]} ${scores[top]}"
        State.VALUES -> values.entries.joinToString { "${it.key} ${it.value}" }
    }

    private fun indexOfHighest(values: FloatArray): Int {
        var best = 0
        for (i in values.indices) if (values[i] > values[best]) best = i
        return best
    }
}
