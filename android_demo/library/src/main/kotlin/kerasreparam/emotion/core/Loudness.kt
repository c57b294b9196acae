package kerasreparam.emotion.core

import kotlin.math.log10

/**
 * How loud the samples are that were added: decibels relative to full scale of their variance. A
 * constant offset, as some microphones have it, is no sound.
 */
internal class Loudness {
    private var offset = 0.0
    private var sum = 0.0
    private var squares = 0.0

    /** How many samples were added. */
    var count = 0
        private set

    /** Adds the samples from [start] up to, but not including, [stop]. */
    fun add(samples: FloatArray, start: Int, stop: Int) {
        if (start >= stop) return
        // Relative to the first sample: no cancellation where the offset is large.
        if (count == 0) offset = samples[start].toDouble()
        for (i in start until stop) {
            val value = samples[i] - offset
            sum += value
            squares += value * value
        }
        count += stop - start
    }

    /** The level; negative infinity if the samples are all the same, or none. */
    val decibels: Float
        get() {
            if (count == 0) return Float.NEGATIVE_INFINITY
            val mean = sum / count
            return (10 * log10(maxOf(0.0, squares / count - mean * mean))).toFloat()
        }

    companion object {
        /** The level of the first [count] samples. */
        fun decibels(samples: FloatArray, count: Int): Float =
            Loudness().apply { add(samples, 0, count) }.decibels
    }
}
