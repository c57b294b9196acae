package kerasreparam.emotion.core

import java.nio.ByteBuffer
import java.nio.ByteOrder
import kerasreparam.emotion.EmotionException

/** How samples stand in a WAV file. */
internal class WavFormat private constructor(
    val sampleRate: Int,
    private val channels: Int,
    private val bits: Int,
    private val float: Boolean,
) {
    /** Bytes of one sample of every channel. */
    val frameBytes: Int get() = channels * bits / 8

    /**
     * Decodes at most [MIX_FRAMES] frames, averaged over the channels. Where two channels cancel
     * each other, the first that has at least half the power of the louder one stands in: as
     * `keras_reparam.audio.mono.mix` has it, over the same stretches.
     */
    fun decode(bytes: ByteArray, frames: Int, into: FloatArray, at: Int) {
        val of = Array(channels) { channel ->
            FloatArray(frames) { sample(bytes, (it * channels + channel) * (bits / 8)) }
        }
        for (frame in 0 until frames) {
            var sum = 0f
            for (samples in of) sum += samples[frame]
            into[at + frame] = sum / channels
        }
        if (channels < 2) return
        val powers = of.map { variance(it, 0, frames) }
        if (variance(into, at, frames) < CANCELED * powers.average()) {
            val heard = of[powers.indexOfFirst { it >= ABOUT_AS_LOUD * powers.max() }]
            heard.copyInto(into, at)
        }
    }

    private fun variance(samples: FloatArray, from: Int, count: Int): Double {
        var sum = 0.0
        for (i in from until from + count) sum += samples[i]
        val mean = sum / count
        var squares = 0.0
        for (i in from until from + count) squares += (samples[i] - mean) * (samples[i] - mean)
        return squares / count
    }

    private fun sample(bytes: ByteArray, at: Int): Float = when {
        float -> Float.fromBits(
            byte(bytes, at) or (byte(bytes, at + 1) shl 8) or (byte(bytes, at + 2) shl 16) or
                (bytes[at + 3].toInt() shl 24),
        )
        // The only unsigned kind.
        bits == 8 -> (byte(bytes, at) - 128) / 128f
        bits == 16 -> (byte(bytes, at) or (bytes[at + 1].toInt() shl 8)) / 32768f
        bits == 24 ->
            (byte(bytes, at) or (byte(bytes, at + 1) shl 8) or (bytes[at + 2].toInt() shl 16)) / 8388608f
        else -> (
            byte(bytes, at) or (byte(bytes, at + 1) shl 8) or (byte(bytes, at + 2) shl 16) or
                (bytes[at + 3].toInt() shl 24)
            ) / 2147483648f
    }

    private fun byte(bytes: ByteArray, at: Int) = bytes[at].toInt() and 0xff

    companion object {
        const val MIN_BYTES = 16
        const val MAX_BYTES = 40

        /** Channels are compared over so many frames at a time. */
        const val MIX_FRAMES = 1 shl 14
        private const val CANCELED = 0.05
        private const val ABOUT_AS_LOUD = 0.5
        private const val PCM = 1
        private const val FLOAT = 3
        private const val EXTENSIBLE = 0xfffe
        private const val KIND_BYTES = 26

        /** The last 14 bytes of every subformat that only repeats a kind of the old list. */
        private val SUBFORMAT =
            intArrayOf(0, 0, 0, 0, 0x10, 0, 0x80, 0, 0, 0xaa, 0, 0x38, 0x9b, 0x71)

        /** Reads a format chunk of [MIN_BYTES] to [MAX_BYTES] bytes. */
        fun parse(bytes: ByteArray): WavFormat {
            val data = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN)
            val kind = kind(data)
            val channels = short(data, 2)
            val sampleRate = data.getInt(4)
            val bits = short(data, 14)
            if (kind != PCM && kind != FLOAT) {
                throw bad("it is compressed, or of a kind that is not known (format $kind)")
            }
            val known = if (kind == FLOAT) bits == 32 else bits in 8..32 && bits % 8 == 0
            if (!known) throw bad("its samples have $bits bits; known are 8, 16, 24, 32 and float 32")
            if (channels !in 1..2) throw bad("it has $channels channels; known are one and two")
            if (sampleRate !in Rates.RANGE) throw bad("its sample rate is $sampleRate")
            if (short(data, 12) != channels * bits / 8) throw bad("its format contradicts itself")
            return WavFormat(sampleRate, channels, bits, kind == FLOAT)
        }

        private fun kind(data: ByteBuffer): Int {
            val kind = short(data, 0)
            if (kind != EXTENSIBLE) return kind
            if (data.limit() < MAX_BYTES) throw bad("its format is cut off")
            val repeats = SUBFORMAT.indices.all {
                (data.get(KIND_BYTES + it).toInt() and 0xff) == SUBFORMAT[it]
            }
            return if (repeats) short(data, 24) else EXTENSIBLE
        }

        private fun short(data: ByteBuffer, at: Int) = data.getShort(at).toInt() and 0xffff

        /** What says why a file cannot be read. */
        fun bad(what: String, cause: Throwable? = null) = EmotionException(
            EmotionException.Reason.WAV, "This WAV file cannot be read: $what.", cause,
        )
    }
}
