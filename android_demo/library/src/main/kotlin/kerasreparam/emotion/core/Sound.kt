package kerasreparam.emotion.core

/**
 * What of a window is sound, and how loud that is: `keras_reparam/audio/windows.py` in Kotlin. A
 * window weighs by its valid samples, and is silence by their level.
 *
 * @property first where the first sample is that is not zero; the number of samples if all are.
 * @property end where the samples end that follow the last one that is not zero.
 * @property valid how many samples from [first] to [end] are in frames of 25 ms, counted from
 *   [first], that do not hold zeros alone.
 * @property decibels level of the valid samples: see [Loudness].
 */
internal class Sound private constructor(
    val first: Int, val end: Int, val valid: Int, val decibels: Float,
) {
    companion object {
        private const val FRAME_SECONDS = 0.025

        /** Of the first [count] samples of an array. */
        fun of(samples: FloatArray, count: Int, sampleRate: Int): Sound {
            var first = 0
            while (first < count && samples[first] == 0f) first++
            var end = count
            while (end > first && samples[end - 1] == 0f) end--
            val frame = maxOf(1, Math.rint(FRAME_SECONDS * sampleRate).toInt())
            val loudness = Loudness()
            for (start in first until end step frame) {
                val stop = minOf(start + frame, end)
                if (holdsSound(samples, start, stop)) loudness.add(samples, start, stop)
            }
            return Sound(first, end, loudness.count, loudness.decibels)
        }

        private fun holdsSound(samples: FloatArray, start: Int, stop: Int): Boolean {
            for (i in start until stop) if (samples[i] != 0f) return true
            return false
        }
    }
}
