package kerasreparam.emotion.core

import kerasreparam.emotion.EmotionOptions
import kerasreparam.emotion.EmotionResult
import kerasreparam.emotion.EmotionResult.State

/** Makes results of windows: silence, smoothed scores, unsure. For one thread at a time. */
internal class WindowScorer(
    private val classifier: SharedClassifier,
    private val options: EmotionOptions,
    smoothing: Float,
) {
    private val model = classifier.model
    private val scores = FloatArray(model.labels.size)
    private val smoother = Smoother(scores.size, smoothing)

    /**
     * The result of one window, of which the first [heard] samples are sound and the rest zeros.
     *
     * @param end where the sound ends, in samples from the beginning of it all.
     */
    fun score(window: FloatArray, heard: Int, end: Long, skipped: Int): EmotionResult {
        val decibels = Loudness.decibels(window, heard)
        val silent = isSilent(decibels)
        var latency = 0.0
        if (silent) {
            scores.fill(0f)
            smoother.reset()
        } else {
            latency = classifier.classify(window, scores)
            smoother.smooth(scores)
        }
        return result(scores, silent, decibels, end - heard, end, latency, skipped)
    }

    /** The result of a whole clip: the mean over its windows that are not silent. */
    fun mean(windows: List<EmotionResult>, decibels: Float, length: Long): EmotionResult {
        val heard = windows.filter { it.state != State.SILENCE }
        val mean = FloatArray(scores.size) { i ->
            if (heard.isEmpty()) 0f else heard.map { it.scores[i] }.average().toFloat()
        }
        val latency = if (heard.isEmpty()) 0.0 else heard.map { it.latencyMillis }.average()
        return result(mean, heard.isEmpty(), decibels, 0, length, latency, 0)
    }

    private fun isSilent(decibels: Float) =
        decibels == Float.NEGATIVE_INFINITY || decibels < options.silenceDecibels

    private fun result(
        scores: FloatArray, silent: Boolean, decibels: Float,
        start: Long, end: Long, latency: Double, skipped: Int,
    ): EmotionResult {
        val state = when {
            silent -> State.SILENCE
            scores.max() < options.minimumScore -> State.UNSURE
            else -> State.EMOTION
        }
        val rate = model.sampleRate.toDouble()
        return EmotionResult(
            state, model.labels, scores.copyOf(), decibels, start / rate, end / rate, latency, skipped,
        )
    }
}
