package kerasreparam.emotion.app

import android.content.Context

/** Names and colours of a model's classes. */
internal object ClassNames {
    private class Known(val words: List<String>, val name: Int, val colour: Int)

    private val known = listOf(
        Known(listOf("anger", "angry", "ang"), R.string.class_anger, 0),
        Known(listOf("happiness", "happy", "hap", "joy"), R.string.class_happiness, 1),
        Known(listOf("neutral", "neu"), R.string.class_neutral, 2),
        Known(listOf("sadness", "sad"), R.string.class_sadness, 3),
        Known(listOf("fear", "fearful", "anxiety"), R.string.class_fear, 4),
        Known(listOf("disgust", "disgusted"), R.string.class_disgust, 5),
        Known(listOf("surprise", "surprised"), R.string.class_surprise, 6),
        Known(listOf("boredom", "bored"), R.string.class_boredom, 7),
    )

    private val colours = intArrayOf(
        R.color.class_0, R.color.class_1, R.color.class_2, R.color.class_3,
        R.color.class_4, R.color.class_5, R.color.class_6, R.color.class_7,
    )

    /** Names for people; a label that is not known stands as it is. */
    fun names(context: Context, labels: List<String>): List<String> =
        labels.map { label -> find(label)?.let { context.getString(it.name) } ?: label }

    /** A colour for each label: its own if it is known, otherwise one that is free. */
    fun colours(context: Context, labels: List<String>): IntArray {
        val numbers = arrayOfNulls<Int>(labels.size)
        val free = colours.indices.toMutableList()
        for ((i, label) in labels.withIndex()) {
            numbers[i] = find(label)?.colour?.takeIf { free.remove(it) }
        }
        return IntArray(labels.size) { i ->
            val number = numbers[i] ?: free.takeFirst() ?: (i % colours.size)
            context.getColor(colours[number])
        }
    }

    // List.removeFirst would be Java 21's, which old phones do not have.
    private fun MutableList<Int>.takeFirst(): Int? = if (isEmpty()) null else removeAt(0)

    private fun find(label: String) = known.firstOrNull { label.lowercase() in it.words }
}
