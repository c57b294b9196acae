package kerasreparam.emotion.app

import java.util.concurrent.LinkedBlockingQueue
import java.util.concurrent.TimeUnit
import org.robolectric.shadows.ShadowAudioRecord
import org.robolectric.shadows.ShadowAudioRecord.AudioRecordSource

/** What Android's `AudioRecord` gives in a test: sound as it is said, or an error. */
internal class FakeMicrophone : AudioRecordSource {
    private val pieces = LinkedBlockingQueue<ShortArray>()

    /** What every read answers; `null` for sound. */
    @Volatile
    var error: Int? = null

    /** When it was asked last. */
    @Volatile
    var lastRead = 0L
        private set

    init {
        ShadowAudioRecord.setSourceProvider { this }
    }

    /** Sound for the reads to come, in pieces of 100 ms. */
    fun say(samples: FloatArray) {
        for (start in samples.indices step PIECE) {
            val end = minOf(start + PIECE, samples.size)
            pieces.put(ShortArray(end - start) { (32768 * samples[start + it]).toInt().toShort() })
        }
    }

    override fun readInShortArray(
        audioData: ShortArray?, offsetInShorts: Int, sizeInShorts: Int, isBlocking: Boolean,
    ): Int {
        lastRead = System.nanoTime()
        error?.let { return it }
        val piece = pieces.poll(PATIENCE_MILLIS, TimeUnit.MILLISECONDS) ?: HUSH
        piece.copyInto(audioData!!, offsetInShorts)
        return piece.size
    }

    private companion object {
        const val PIECE = 1600
        const val PATIENCE_MILLIS = 200L

        // A real microphone would wait; two samples do not move a window by a millisecond.
        val HUSH = shortArrayOf(1000, -1000)
    }
}
