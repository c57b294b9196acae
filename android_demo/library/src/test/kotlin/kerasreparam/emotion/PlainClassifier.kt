package kerasreparam.emotion

/**
 * Not a model: scores that a test can foresee, and the windows it was given. For tests of what is
 * around a model; the real ones are in the tests with [HostRuntime].
 */
internal class PlainClassifier(
    window: Int = 80,
    labels: List<String> = listOf("a", "b"),
    head: ModelInfo.Head = ModelInfo.Head.SOFTMAX,
    unsureBelow: Float = 0f,
    private val before: () -> Unit = {},
) : Classifier {
    override val model =
        ModelInfo("plain", labels, sampleRate = 1000, window, sizeBytes = 0, head, unsureBelow)
    val windows = java.util.Collections.synchronizedList(ArrayList<FloatArray>())
    var closed = 0

    /** The first score is the window's first sample; of two the other one is what is left. */
    override fun classify(window: FloatArray, scores: FloatArray) {
        before()
        windows.add(window.copyOf())
        scores[0] = window[0]
        if (scores.size > 1) scores[1] = 1 - window[0]
    }

    override fun close() {
        closed++
    }
}
