package kerasreparam.emotion.core

import java.util.concurrent.locks.ReentrantLock
import kerasreparam.emotion.EmotionException
import kerasreparam.emotion.EmotionListener
import kerasreparam.emotion.EmotionOptions
import kerasreparam.emotion.EmotionResult
import kotlin.concurrent.withLock

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

    private val lock = ReentrantLock()
    private val changed = lock.newCondition()
    private val buffer = WindowBuffer(window.size, hop)
    private var ended = false

    @Volatile
    private var stopped = false

    /** Whether it goes on: neither stopped nor ended by an error. */
    val active: Boolean get() = lock.withLock { !ended }

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
        lock.withLock {
            buffer.write(samples, count)
            changed.signalAll()
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
                val result = score(skipped) ?: break
                tell { if (active) listener.onResult(result) }
            }
        } finally {
            // Also when a listener throws: the microphone must not stay on.
            end()
            recorder.stop()
        }
    }

    /** The result of the window that was taken, or `null` after telling that the model failed. */
    private fun score(skipped: Int): EmotionResult? = try {
        scorer.score(window, window.size, buffer.takenEnd, skipped).result
    } catch (error: RuntimeException) {
        val message = "The model failed: ${error.message}"
        onError(EmotionException(EmotionException.Reason.MODEL, message, error))
        null
    }

    /** Waits for a window and copies it; returns how many were skipped, or -1 at the end. */
    private fun await(): Int = lock.withLock {
        while (!ended && !buffer.ready) changed.await()
        if (ended) -1 else buffer.take(window)
    }

    private fun end() = lock.withLock {
        ended = true
        changed.signalAll()
    }

    private fun tell(what: () -> Unit) = options.executor.execute { if (!stopped) what() }
}
