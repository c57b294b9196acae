package kerasreparam.emotion.core

import kotlin.math.abs

/**
 * What of a window is sound, and how loud that is: `keras_reparam/audio/windows.py` in Kotlin. A
 * window weighs by its valid samples, and is silence by the loudest of them. Zero is what 16 bits round to
 * zero: what is left of zeros by a lossy file or another sample rate is not quite zero.
 *
 * @property first where the first sample is that is not zero; the number of samples if all are.
 * @property end where the samples end that follow the last one that is not zero.
 * @property valid how many samples from [first] to [end] are in frames of 25 ms, counted from
 *   [first], that do not hold zeros alone.
 * @property decibels level of the valid samples: see [Loudness].
 * @property loudest level of the loudest tenth of a second of them, counted from the first; of all if
 *   they are fewer.
 */
internal class Sound private constructor(
    val first: Int, val end: Int, val valid: Int, val decibels: Float, val loudest: Float,
) {
    companion object {
        private const val FRAME_SECONDS = 0.025

        /** A tenth of a second, a syllable. */
        private const val LOUD_FRAMES = 4

        /** Half a step of 16 bits, which rounds to the even one: zero. */
        private const val ZERO_AT_16_BITS = 1f / 65536

        /** Of the first [count] samples of an array. */
        fun of(samples: FloatArray, count: Int, sampleRate: Int): Sound {
            var first = 0
            while (first < count && isZero(samples[first])) first++
            var end = count
            while (end > first && isZero(samples[end - 1])) end--
            val frame = maxOf(1, Math.rint(FRAME_SECONDS * sampleRate).toInt())
            val loudness = Loudness()
            var block = Loudness()
            var loudest: Float? = null
            for (start in first until end step frame) {
                val stop = minOf(start + frame, end)
                if (!holdsSound(samples, start, stop)) continue
                loudness.add(samples, start, stop)
                block.add(samples, start, stop)
                if (block.count == LOUD_FRAMES * frame) {
                    loudest = maxOf(block.decibels, loudest ?: Float.NEGATIVE_INFINITY)
                    block = Loudness()
                }
            }
            val level = loudness.decibels
            return Sound(first, end, loudness.count, level, loudest ?: level)
        }

        private fun holdsSound(samples: FloatArray, start: Int, stop: Int): Boolean {
            for (i in start until stop) if (!isZero(samples[i])) return true
            return false
        }

        private fun isZero(sample: Float) = abs(sample) <= ZERO_AT_16_BITS
    }
}
