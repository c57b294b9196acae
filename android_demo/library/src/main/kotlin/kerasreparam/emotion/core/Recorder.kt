package kerasreparam.emotion.core

import kerasreparam.emotion.EmotionException

/** Records once; a new recording needs a new one. */
internal interface Recorder {
    /** Begins to record. What comes goes to [sink], on a thread of the recorder's own. */
    fun start(sampleRate: Int, sink: Sink)

    /** Ends recording, without waiting. May be called again. */
    fun stop()

    /** Waits until the microphone is released, unless the recorder's own thread calls. */
    fun join()

    /** Takes what is recorded. */
    interface Sink {
        /** The first [count] samples are new, between -1 and 1. The array is reused afterwards. */
        fun onChunk(samples: FloatArray, count: Int)

        /** Recording has ended because of an error; the microphone is released. */
        fun onError(error: EmotionException)
    }
}
