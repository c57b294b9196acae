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
    private val minimumScore = options.minimumScore ?: model.unsureBelow

    /** A result, and what it weighs in a mean: its valid samples, or 0 in silence. */
    class Weighed(val result: EmotionResult, val weight: Int)

    /**
     * The result of one window, of which the first [heard] samples were recorded. The model hears
     * it from its first sample on that is not zero; [window] is moved for that.
     *
     * @param end where it ends, in samples from the beginning of it all.
     */
    fun score(window: FloatArray, heard: Int, end: Long, skipped: Int): Weighed {
        val sound = Sound.of(window, heard, model.sampleRate)
        val silent = isSilent(sound.loudest)
        var latency = 0.0
        if (silent) {
            scores.fill(0f)
            smoother.reset()
        } else {
            window.copyInto(window, 0, sound.first, heard)
            window.fill(0f, heard - sound.first)
            latency = classifier.classify(window, scores)
            smoother.smooth(scores)
        }
        val rate = model.sampleRate.toDouble()
        val result = result(
            scores, silent, sound.decibels, (end - heard) / rate, end / rate, latency, skipped,
        )
        return Weighed(result, if (silent) 0 else sound.valid)
    }

    /** The result of a whole clip: the weighted mean over its windows that are not silent. */
    fun mean(windows: List<Weighed>, decibels: Float, seconds: Double): EmotionResult {
        val heard = windows.filter { it.weight > 0 }
        val total = heard.sumOf { it.weight }
        val mean = FloatArray(scores.size) { i ->
            if (heard.isEmpty()) 0f
            else (heard.sumOf { it.weight.toDouble() * it.result.scores[i] } / total).toFloat()
        }
        val latency = if (heard.isEmpty()) 0.0 else heard.map { it.result.latencyMillis }.average()
        return result(mean, heard.isEmpty(), decibels, 0.0, seconds, latency, 0)
    }

    private fun isSilent(loudest: Float) =
        loudest == Float.NEGATIVE_INFINITY || loudest < options.silenceDecibels

    private fun result(
        scores: FloatArray, silent: Boolean, decibels: Float,
        start: Double, end: Double, latency: Double, skipped: Int,
    ): EmotionResult {
        val state = if (silent) State.SILENCE else model.head.state(scores, minimumScore)
        return EmotionResult(
            state, model.labels, scores.copyOf(), decibels, start, end, latency, skipped,
        )
    }
}
