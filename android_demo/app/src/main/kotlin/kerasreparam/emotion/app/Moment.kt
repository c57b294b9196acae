package kerasreparam.emotion.app

import android.os.Bundle
import kerasreparam.emotion.EmotionResult
import kerasreparam.emotion.EmotionResult.State

/**
 * What the screen says in large type.
 *
 * @property top the class with the highest score; -1 in silence, and of values.
 * @property file the name of the file in which it was heard, or `null` for the microphone.
 */
internal class Moment(
    val state: State,
    val scores: FloatArray,
    val top: Int,
    val file: String?,
) {
    constructor(result: EmotionResult, file: String?) :
        this(result.state, result.scores, result.top, file)

    fun save(): Bundle = Bundle().apply {
        putString(STATE, state.name)
        putFloatArray(SCORES, scores)
        putInt(TOP, top)
        putString(FILE, file)
    }

    companion object {
        private const val STATE = "state"
        private const val SCORES = "scores"
        private const val TOP = "top"
        private const val FILE = "file"

        fun restore(saved: Bundle): Moment? {
            val state = saved.getString(STATE) ?: return null
            val scores = saved.getFloatArray(SCORES) ?: return null
            return Moment(State.valueOf(state), scores, saved.getInt(TOP), saved.getString(FILE))
        }
    }
}
