package kerasreparam.emotion

import java.io.EOFException
import java.io.IOException
import java.io.InputStream
import kerasreparam.emotion.core.WavFormat
import kerasreparam.emotion.core.WavFormat.Companion.bad

/**
 * Sound of a WAV file: PCM of 8, 16, 24 or 32 bits or float of 32 bits, any sample rate, one or
 * two channels, which are averaged except where they cancel each other (opposite phase).
 *
 * @property samples mono, between -1 and 1.
 * @property sampleRate samples per second.
 * @property truncated whether the file goes on after these samples.
 */
class WavFile private constructor(
    val samples: FloatArray,
    val sampleRate: Int,
    val truncated: Boolean,
) {
    companion object {
        private const val RIFF = 0x46464952
        private const val WAVE = 0x45564157
        private const val FORMAT = 0x20746d66
        private const val DATA = 0x61746164
        private const val BLOCK_FRAMES = WavFormat.MIX_FRAMES

        /** Never more samples than this are read: 16 MiB. */
        private const val MAX_SAMPLES = 1 shl 22

        /**
         * Reads at most the first [maxSeconds] of a file. What the file claims about its length is
         * not trusted: memory grows with what is really read, and by nothing else.
         *
         * A file that ends before its data does, as one does that was cut off or written to a pipe,
         * is read to its end. The stream is not closed.
         *
         * @throws EmotionException ([EmotionException.Reason.WAV]) if it is no such file.
         * @throws IOException if the stream fails.
         */
        @JvmStatic
        @JvmOverloads
        @Throws(EmotionException::class, IOException::class)
        fun read(stream: InputStream, maxSeconds: Int = 60): WavFile {
            require(maxSeconds > 0) { "maxSeconds must be positive. Received: $maxSeconds" }
            try {
                if (int(stream) != RIFF) throw bad("it does not begin with RIFF")
                int(stream)
                if (int(stream) != WAVE) throw bad("it is RIFF, but not WAVE")
                var format: WavFormat? = null
                while (true) {
                    val id = int(stream)
                    val size = int(stream).toLong() and 0xffffffffL
                    when (id) {
                        FORMAT -> format = readFormat(stream, size)
                        DATA -> return readData(
                            stream, size, format ?: throw bad("its data precedes its format"), maxSeconds,
                        )
                        else -> skip(stream, size + size % 2)
                    }
                }
            } catch (error: EOFException) {
                throw bad("it ends too early", error)
            }
        }

        private fun readFormat(stream: InputStream, size: Long): WavFormat {
            if (size < WavFormat.MIN_BYTES) throw bad("its format has $size bytes")
            val bytes = ByteArray(minOf(size, WavFormat.MAX_BYTES.toLong()).toInt())
            readFully(stream, bytes)
            skip(stream, size - bytes.size + size % 2)
            return WavFormat.parse(bytes)
        }

        private fun readData(
            stream: InputStream, size: Long, format: WavFormat, maxSeconds: Int,
        ): WavFile {
            val frames = size / format.frameBytes
            val wanted = minOf(frames, maxSeconds.toLong() * format.sampleRate, MAX_SAMPLES.toLong())
            var samples = FloatArray(minOf(wanted, BLOCK_FRAMES.toLong()).toInt())
            val block = ByteArray(BLOCK_FRAMES * format.frameBytes)
            var count = 0
            while (count < wanted) {
                val ask = minOf(wanted - count, BLOCK_FRAMES.toLong()).toInt() * format.frameBytes
                val got = readUpTo(stream, block, ask) / format.frameBytes
                if (count + got > samples.size) {
                    samples = samples.copyOf(minOf(wanted, 2L * samples.size + got).toInt())
                }
                format.decode(block, got, samples, count)
                count += got
                if (got * format.frameBytes < ask) break
            }
            if (count == 0) throw bad("it holds no samples")
            for (i in 0 until count) {
                if (samples[i].isNaN() || samples[i].isInfinite()) throw bad("it holds NaN or infinity")
            }
            val truncated = count.toLong() == wanted && count < frames
            return WavFile(samples.copyOf(count), format.sampleRate, truncated)
        }

        private fun int(stream: InputStream): Int {
            val bytes = ByteArray(4)
            readFully(stream, bytes)
            return (0..3).fold(0) { value, i -> value or ((bytes[i].toInt() and 0xff) shl (8 * i)) }
        }

        private fun readFully(stream: InputStream, into: ByteArray) {
            if (readUpTo(stream, into, into.size) < into.size) throw EOFException()
        }

        private fun readUpTo(stream: InputStream, into: ByteArray, count: Int): Int {
            var got = 0
            while (got < count) {
                val more = stream.read(into, got, count - got)
                if (more < 0) break
                got += more
            }
            return got
        }

        private fun skip(stream: InputStream, count: Long) {
            // Not InputStream.skip: it may skip less for other reasons than the end.
            val scratch = ByteArray(minOf(count, 8192L).toInt())
            var left = count
            while (left > 0) {
                val got = stream.read(scratch, 0, minOf(left, scratch.size.toLong()).toInt())
                if (got < 0) throw EOFException()
                left -= got
            }
        }
    }
}
