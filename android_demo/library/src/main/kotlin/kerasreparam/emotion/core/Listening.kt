package kerasreparam.emotion.core

import kerasreparam.emotion.EmotionException
import kerasreparam.emotion.EmotionListener
import kerasreparam.emotion.EmotionOptions

/**
 * One recording and what is heard in it. The recorder's thread only copies samples; a second one
 * runs the model, on the newest window when it cannot keep up.
 */
internal class Listening(
    private val recorder: Recorder,
    private val options: EmotionOptions,
    private val listener: EmotionListener,
    classifier: SharedClassifier,
    hop: Int,
) : Recorder.Sink {
    private val sampleRate = classifier.model.sampleRate
    private val scorer = WindowScorer(classifier, options, options.smoothing)
    private val window = FloatArray(classifier.model.window)
    private val worker = Thread({ run() }, "emotion-classifier")

    private val lock = Object()
    private val buffer = WindowBuffer(window.size, hop)
    private var ended = false

    @Volatile
    private var stopped = false

    /** Whether it goes on: neither stopped nor ended by an error. */
    val active: Boolean get() = synchronized(lock) { !ended }

    fun start() {
        worker.start()
        recorder.start(sampleRate, this)
    }

    /** The listener hears nothing of it any more. */
    fun mute() {
        stopped = true
    }

    /** Ends it. The listener hears nothing any more, and both threads are gone unless they call. */
    fun stop() {
        mute()
        end()
        recorder.stop()
        recorder.join()
        if (worker !== Thread.currentThread()) worker.join()
    }

    override fun onChunk(samples: FloatArray, count: Int) {
        val decibels = Loudness.decibels(samples, count)
        synchronized(lock) {
            buffer.write(samples, count)
            lock.notifyAll()
        }
        tell { if (active) listener.onLevel(decibels) }
    }

    override fun onError(error: EmotionException) {
        end()
        tell { listener.onError(error) }
    }

    private fun run() {
        try {
            while (true) {
                val skipped = await()
                if (skipped < 0) break
                val result = scorer.score(window, window.size, buffer.takenEnd, skipped)
                tell { if (active) listener.onResult(result) }
            }
        } finally {
            // Also when a listener throws: the microphone must not stay on.
            end()
            recorder.stop()
        }
    }

    /** Waits for a window and copies it; returns how many were skipped, or -1 at the end. */
    private fun await(): Int = synchronized(lock) {
        while (!ended && !buffer.ready) lock.wait()
        if (ended) -1 else buffer.take(window)
    }

    private fun end() = synchronized(lock) {
        ended = true
        lock.notifyAll()
    }

    private fun tell(what: () -> Unit) = options.executor.execute { if (!stopped) what() }
}
