package kerasreparam.emotion.core

import kotlin.math.PI
import kotlin.math.abs
import kotlin.math.ceil
import kotlin.math.floor
import kotlin.math.min
import kotlin.math.sin
import kotlin.math.sqrt

/**
 * Converts sound from one sample rate to another by a low-pass filter: a sinc under a Kaiser
 * window, flat to 91 % of the lower rate's half and 100 dB down at the half.
 *
 * The filter is read from a table between whose entries it is interpolated (J. O. Smith, "Digital
 * Audio Resampling", 2002), so that any two rates need the same small memory.
 */
internal class Resampler(private val from: Int, private val to: Int) {
    // Samples of the input per zero crossing of the filter.
    private val stretch = maxOf(1.0, from.toDouble() / to)

    /** The whole clip at the new rate: `ceil(samples * to / from)` samples. */
    fun resample(samples: FloatArray): FloatArray {
        if (from == to) return samples
        val length = (samples.size.toLong() * to + from - 1) / from
        return FloatArray(length.toInt()) { at(samples, it.toDouble() * from / to) }
    }

    /** The sound at a time, in samples of the input; silence is what surrounds the clip. */
    private fun at(samples: FloatArray, time: Double): Float {
        val reach = CROSSINGS * stretch
        val first = maxOf(0, ceil(time - reach).toInt())
        val last = min(samples.size - 1, floor(time + reach).toInt())
        var sum = 0.0
        for (i in first..last) sum += samples[i] * filter(abs(time - i) / stretch)
        return (sum / stretch).toFloat()
    }

    private fun filter(crossings: Double): Double {
        val position = crossings * STEPS
        val entry = position.toInt()
        if (entry >= TABLE.size - 1) return 0.0
        val low = TABLE[entry]
        return low + (position - entry) * (TABLE[entry + 1] - low)
    }

    private companion object {
        const val CROSSINGS = 74
        const val STEPS = 512

        // The middle between the ends of the pass band and of the stop band.
        const val CUTOFF = 0.9565
        const val KAISER_BETA = 10.056

        val TABLE = DoubleArray(CROSSINGS * STEPS + 1) { i ->
            val x = i.toDouble() / STEPS
            CUTOFF * sinc(CUTOFF * x) * kaiser(x / CROSSINGS)
        }

        fun sinc(x: Double) = if (x == 0.0) 1.0 else sin(PI * x) / (PI * x)

        fun kaiser(x: Double) =
            bessel(KAISER_BETA * sqrt(maxOf(0.0, 1 - x * x))) / bessel(KAISER_BETA)

        /** The modified Bessel function of the first kind, of order zero, by its power series. */
        fun bessel(x: Double): Double {
            var term = 1.0
            var sum = 1.0
            var k = 1
            while (term > 1e-12 * sum) {
                term *= (x / (2 * k)) * (x / (2 * k))
                sum += term
                k++
            }
            return sum
        }
    }
}
