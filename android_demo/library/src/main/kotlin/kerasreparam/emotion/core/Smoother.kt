package kerasreparam.emotion.core

/**
 * Exponential smoothing of scores: `(1 - weight) * new + weight * before`. The first scores, and
 * the first ones after [reset], stand as they are.
 */
internal class Smoother(classes: Int, private val weight: Float) {
    private val state = FloatArray(classes)
    private var empty = true

    /** Adds scores, and puts the smoothed ones in their place. */
    fun smooth(scores: FloatArray) {
        val past = if (empty) 0f else weight
        for (i in state.indices) {
            state[i] = (1 - past) * scores[i] + past * state[i]
            scores[i] = state[i]
        }
        empty = false
    }

    fun reset() {
        empty = true
    }
}
