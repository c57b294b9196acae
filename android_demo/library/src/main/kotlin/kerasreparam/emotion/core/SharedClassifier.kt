package kerasreparam.emotion.core

import java.io.Closeable
import kerasreparam.emotion.Classifier
import kerasreparam.emotion.EmotionException
import kerasreparam.emotion.ModelInfo

/** A classifier that threads take turns at, and that another one can replace meanwhile. */
internal class SharedClassifier(first: Classifier) : Closeable {
    private var classifier: Classifier? = first

    @Volatile
    var model: ModelInfo = first.model
        private set

    /** Scores a window; returns how many milliseconds that took. */
    @Synchronized
    fun classify(window: FloatArray, scores: FloatArray): Double {
        val open = checkNotNull(classifier) { "This recognizer is closed." }
        val start = System.nanoTime()
        open.classify(window, scores)
        return (System.nanoTime() - start) / 1e6
    }

    /** Goes on with another one of the same labels, head, range, rate and window; closes this one. */
    @Synchronized
    fun replace(next: Classifier) {
        val open = checkNotNull(classifier) { "This recognizer is closed." }
        val new = next.model
        if (kind(new) != kind(model)) {
            next.close()
            throw EmotionException(
                EmotionException.Reason.MODEL,
                "The other model has other labels, another head, range, sample rate or window: make " +
                    "a recognizer of its own for it.",
            )
        }
        classifier = next
        model = new
        open.close()
    }

    private fun kind(model: ModelInfo) = with(model) {
        listOf(labels, head, unit, lowest, highest, sampleRate, window)
    }

    @Synchronized
    override fun close() {
        classifier?.close()
        classifier = null
    }
}
