package kerasreparam.emotion

import java.util.concurrent.Executor

/**
 * How to listen. Made by a [Builder]; every setting has a default.
 *
 * @property hopSeconds seconds between the beginnings of two windows.
 * @property smoothing weight of the past in the scores: 0 is no smoothing.
 * @property silenceDecibels windows of which no tenth of a second reaches this level are silence.
 * @property minimumScore below this highest score the result is "unsure"; `null`: what the model
 *   says ([ModelInfo.unsureBelow]). With independent classes ([ModelInfo.Head.SIGMOID]) it counts as
 *   0.5 at least; values are never unsure.
 * @property threads threads of the model.
 * @property executor what calls the listener.
 */
class EmotionOptions private constructor(builder: Builder) {
    val hopSeconds: Float = builder.hopSeconds
    val smoothing: Float = builder.smoothing
    val silenceDecibels: Float = builder.silenceDecibels
    val minimumScore: Float? = builder.minimumScore
    val threads: Int = builder.threads
    val executor: Executor = builder.executor

    /** Collects settings. A value out of range is an [IllegalArgumentException]. */
    class Builder {
        internal var hopSeconds = 0.5f
        internal var smoothing = 0.5f
        internal var silenceDecibels = -59f
        internal var minimumScore: Float? = null
        internal var threads = 1
        internal var executor = Executor { it.run() }

        /**
         * Seconds between the beginnings of two windows, at least 0.05 and at most the model's
         * window; 0.5 by default.
         */
        fun hopSeconds(value: Float): Builder = set(value in 0.05f..60f, "hopSeconds", value) {
            hopSeconds = value
        }

        /**
         * Weight of the past in the scores, at least 0 and below 1. A result's scores are `(1 -
         * smoothing) * new + smoothing * before`; 0 switches this off, 0.5 is the default.
         */
        fun smoothing(value: Float): Builder = set(value >= 0 && value < 1, "smoothing", value) {
            smoothing = value
        }

        /**
         * Windows whose loudest tenth of a second is below this level, in decibels relative to full
         * scale, its mean taken out, are silence; -59 by default. Python's `kr.load_classifier(silence_decibels=...)` has the same
         * number.
         */
        fun silenceDecibels(value: Float): Builder = set(value <= 0, "silenceDecibels", value) {
            silenceDecibels = value
        }

        /**
         * Below this highest score, from 0 to 1, the result is "unsure"; by default what the model
         * says ([ModelInfo.unsureBelow]), as in Python. With independent classes
         * ([ModelInfo.Head.SIGMOID]) it counts as 0.5 at least.
         */
        fun minimumScore(value: Float): Builder = set(value in 0f..1f, "minimumScore", value) {
            minimumScore = value
        }

        /** Threads of the model, from 1 to 8; 1 by default. */
        fun threads(value: Int): Builder = set(value in 1..8, "threads", value) { threads = value }

        /**
         * What calls the listener; by default the library's own threads. For the main thread:
         * `handler::post`.
         */
        fun executor(value: Executor): Builder = apply { executor = value }

        fun build(): EmotionOptions = EmotionOptions(this)

        private inline fun set(valid: Boolean, name: String, value: Any, change: () -> Unit): Builder {
            require(valid) { "$name is out of range. Received: $name=$value" }
            change()
            return this
        }
    }

    companion object {
        /** Every setting at its default. */
        @JvmField
        val DEFAULT: EmotionOptions = Builder().build()
    }
}
