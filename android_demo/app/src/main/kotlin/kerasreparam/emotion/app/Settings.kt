package kerasreparam.emotion.app

import android.content.Context
import kerasreparam.emotion.EmotionOptions
import kerasreparam.emotion.ModelInfo

/** What the user has chosen; it is the only thing that the app stores. */
internal class Settings(context: Context) {
    private val stored = context.getSharedPreferences("settings", Context.MODE_PRIVATE)

    /** Seconds between the beginnings of two windows. */
    var hopSeconds: Float
        get() = stored.getFloat(HOP, EmotionOptions.DEFAULT.hopSeconds)
        set(value) = stored.edit().putFloat(HOP, value).apply()

    var smoothing: Boolean
        get() = stored.getBoolean(SMOOTHING, true)
        set(value) = stored.edit().putBoolean(SMOOTHING, value).apply()

    /** The file name of a [BundledModel], or `null` for the first one. */
    var model: String?
        get() = stored.getString(MODEL, null)
        set(value) = stored.edit().putString(MODEL, value).apply()

    companion object {
        private const val HOP = "hopSeconds"
        private const val SMOOTHING = "smoothing"
        private const val MODEL = "model"
        private val HOPS = listOf(0.25f, 0.5f, 1f, 2f)

        /** Hops that can be chosen: none is longer than the model's window. */
        fun hops(model: ModelInfo): List<Float> =
            HOPS.filter { it <= model.windowSeconds }.ifEmpty { listOf(model.windowSeconds.toFloat()) }
    }
}
