package kerasreparam.emotion.core

import kotlin.math.log10

/** How loud sound is. */
internal object Loudness {
    /**
     * Decibels relative to full scale of the variance: a constant offset, as some microphones have
     * it, is no sound. Negative infinity if the samples are all the same.
     */
    fun decibels(samples: FloatArray, count: Int): Float {
        if (count == 0) return Float.NEGATIVE_INFINITY
        // Relative to the first sample: no cancellation where the offset is large.
        val offset = samples[0].toDouble()
        var sum = 0.0
        var squares = 0.0
        for (i in 0 until count) {
            val value = samples[i] - offset
            sum += value
            squares += value * value
        }
        val mean = sum / count
        return (10 * log10(maxOf(0.0, squares / count - mean * mean))).toFloat()
    }
}
