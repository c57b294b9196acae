package kerasreparam.emotion

import java.io.Closeable

/**
 * Scores of one window of sound. Used by one thread at a time. [TfliteClassifier] is the one to
 * take; another runtime can be put in its place.
 */
interface Classifier : Closeable {
    /** What the model says about itself. */
    val model: ModelInfo

    /**
     * Scores one window.
     *
     * @param window [ModelInfo.window] samples between -1 and 1; a shorter clip is followed by zeros.
     * @param scores is filled with one score per label: a probability, or a value.
     */
    fun classify(window: FloatArray, scores: FloatArray)
}
