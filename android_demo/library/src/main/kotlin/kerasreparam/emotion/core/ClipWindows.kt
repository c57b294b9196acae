package kerasreparam.emotion.core

import kerasreparam.emotion.EmotionException
import kotlin.math.abs

/** Windows of a clip that is there as a whole. */
internal object ClipWindows {
    private const val MIN_SECONDS = 0.025

    /** Resampled speech goes a little beyond 1; integers taken for floats far beyond. */
    private const val MAX_PEAK = 32f

    /** An [EmotionException] if the samples are no sound. */
    fun check(samples: FloatArray, rate: Int) {
        if (rate !in Rates.RANGE) throw bad("a sample rate of $rate")
        if (tooShort(samples.size, rate)) throw bad("${samples.size} samples, less than 25 ms")
        for (value in samples) {
            if (!(abs(value) <= MAX_PEAK)) throw bad("$value; samples are between -1 and 1")
        }
    }

    /**
     * Where windows begin: [hop] samples apart, the last one only where there are samples that the
     * one before it does not hold.
     */
    fun starts(length: Int, window: Int, hop: Int): Sequence<Int> =
        generateSequence(0) { if (it + window < length) it + hop else null }

    fun tooShort(count: Int, rate: Int) = count < MIN_SECONDS * rate

    private fun bad(what: String) =
        EmotionException(EmotionException.Reason.SAMPLES, "This sound cannot be used. Received: $what.")
}
