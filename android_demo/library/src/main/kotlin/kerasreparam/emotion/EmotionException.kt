package kerasreparam.emotion

/**
 * What can go wrong while emotions are recognised; the only exception for bad models, bad audio and
 * microphones that do not work. Its message is in English, for developers; an app chooses words for
 * its users by [reason].
 *
 * @property reason what kind of trouble it is.
 */
class EmotionException @JvmOverloads constructor(
    val reason: Reason,
    message: String,
    cause: Throwable? = null,
) : Exception(message, cause) {

    /** Kinds of trouble. */
    enum class Reason {
        /** The model is no `.tflite` file that takes a waveform, or lacks labels or sample rate. */
        MODEL,

        /** The app may not record: ask for `RECORD_AUDIO` first. */
        PERMISSION,

        /** The microphone cannot be opened; another app may hold it. */
        MICROPHONE_BUSY,

        /** The microphone failed or was taken away while recording. */
        MICROPHONE_LOST,

        /** The file is no WAV file, or of a kind that cannot be read. */
        WAV,

        /** The samples are too short, not finite, or have a sample rate that makes no sense. */
        SAMPLES,
    }
}
