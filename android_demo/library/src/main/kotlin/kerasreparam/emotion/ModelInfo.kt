package kerasreparam.emotion

/**
 * What a model says about itself.
 *
 * @property name its name; empty if it has none.
 * @property labels its classes, in the order of the scores.
 * @property sampleRate samples per second that it takes.
 * @property window samples that it takes at once.
 * @property sizeBytes size of the file.
 */
class ModelInfo(
    val name: String,
    val labels: List<String>,
    val sampleRate: Int,
    val window: Int,
    val sizeBytes: Int,
) {
    /** Length of a window in seconds. */
    val windowSeconds: Double get() = window.toDouble() / sampleRate
}
