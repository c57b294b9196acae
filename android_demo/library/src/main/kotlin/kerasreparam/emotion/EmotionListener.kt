package kerasreparam.emotion

/**
 * Hears what [EmotionRecognizer.start] recognises. Called on the executor of the options, by
 * default on threads of the library: then return quickly and do not touch views.
 */
interface EmotionListener {
    /** One window was classified. The first one comes after a whole window of sound. */
    fun onResult(result: EmotionResult)

    /** Recording has ended because of an error. It may be started again. */
    fun onError(error: EmotionException)

    /**
     * How loud the last 100 ms were, for a level meter.
     *
     * @param decibels relative to full scale: 0 is the loudest, speech is often near -30, and
     *   negative infinity is digital silence, as when the system mutes the microphone.
     */
    fun onLevel(decibels: Float) {}
}
