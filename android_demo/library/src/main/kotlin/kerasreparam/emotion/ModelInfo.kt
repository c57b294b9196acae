package kerasreparam.emotion

/**
 * What a model says about itself.
 *
 * @property name its name; empty if it has none.
 * @property labels its classes, in the order of the scores.
 * @property sampleRate samples per second that it takes.
 * @property window samples that it takes at once.
 * @property sizeBytes size of the file.
 * @property head how its scores are to be read.
 * @property unsureBelow an answer whose highest score is below it is unsure; 0 if it does not say.
 */
class ModelInfo @JvmOverloads constructor(
    val name: String,
    val labels: List<String>,
    val sampleRate: Int,
    val window: Int,
    val sizeBytes: Int,
    val head: Head = Head.SOFTMAX,
    val unsureBelow: Float = 0f,
) {
    /** What makes the scores. */
    enum class Head {
        /** One of the classes is right: the scores' sum is 1. */
        SOFTMAX,

        /** Every class is right or not, whatever the others are. There may be a single one. */
        SIGMOID,
    }

    /** Length of a window in seconds. */
    val windowSeconds: Double get() = window.toDouble() / sampleRate
}
