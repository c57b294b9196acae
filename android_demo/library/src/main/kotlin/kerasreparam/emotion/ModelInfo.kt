package kerasreparam.emotion

import kerasreparam.emotion.EmotionResult.State

/**
 * What a model says about itself.
 *
 * @property name its name; empty if it has none.
 * @property labels its classes, or the names of its values, in the order of the scores.
 * @property sampleRate samples per second that it takes.
 * @property window samples that it takes at once.
 * @property sizeBytes size of the file.
 * @property head how its scores are to be read.
 * @property unsureBelow an answer whose highest score is below it is unsure; 0 if it does not say.
 * @property unit what its values are in, as in `"years"`; empty: nothing.
 * @property lowest the lowest score that there is: 0, or of values what the file says.
 * @property highest the highest score that there is: 1, or of values what the file says; a value may
 *   lie beyond.
 */
class ModelInfo @JvmOverloads constructor(
    val name: String,
    val labels: List<String>,
    val sampleRate: Int,
    val window: Int,
    val sizeBytes: Int,
    val head: Head = Head.SOFTMAX,
    val unsureBelow: Float = 0f,
    val unit: String = "",
    val lowest: Double = 0.0,
    val highest: Double = 1.0,
) {
    /** What makes the scores, and what they say. */
    enum class Head {
        /** One of the classes is right: the scores' sum is 1. */
        SOFTMAX {
            override fun state(scores: FloatArray, minimumScore: Float) =
                if (scores.max() < minimumScore) State.UNSURE else State.EMOTION
        },

        /** Every class is right or not, whatever the others are. There may be a single one. */
        SIGMOID {
            override fun state(scores: FloatArray, minimumScore: Float) =
                SOFTMAX.state(scores, maxOf(minimumScore, PRESENT))
        },

        /** Scores are no probabilities, but values: age, valence. */
        LINEAR {
            override fun state(scores: FloatArray, minimumScore: Float) = State.VALUES
        };

        /** What scores of a window or clip that is no silence say. */
        internal abstract fun state(scores: FloatArray, minimumScore: Float): State

        private companion object {
            /** From here on a class of its own is more likely than not. */
            const val PRESENT = 0.5f
        }
    }

    /** Length of a window in seconds. */
    val windowSeconds: Double get() = window.toDouble() / sampleRate
}
