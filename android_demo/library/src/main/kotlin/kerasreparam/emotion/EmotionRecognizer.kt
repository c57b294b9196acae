package kerasreparam.emotion

import android.content.Context
import java.io.Closeable
import java.nio.ByteBuffer
import kerasreparam.emotion.core.ClipWindows
import kerasreparam.emotion.core.Listening
import kerasreparam.emotion.core.Recorder
import kerasreparam.emotion.core.Resampler
import kerasreparam.emotion.core.SharedClassifier
import kerasreparam.emotion.core.Sound
import kerasreparam.emotion.core.WindowScorer
import kotlin.math.roundToInt

/**
 * Emotions, or any other classes or values that a model knows, in speech: from the microphone or
 * from samples. Nothing is stored or sent.
 *
 * ```
 * val recognizer = EmotionRecognizer(context, "ser_int8.tflite")
 * recognizer.start(listener)   // RECORD_AUDIO must be granted
 * recognizer.stop()            // in onPause
 * recognizer.close()           // in onDestroy
 * ```
 *
 * Labels, sample rate and window come from the model's metadata. Its methods may be called by any
 * thread.
 */
class EmotionRecognizer internal constructor(
    classifier: Classifier,
    private val options: EmotionOptions,
    private val recorders: () -> Recorder,
) : Closeable {
    private val shared = SharedClassifier(classifier)
    private val hop = (options.hopSeconds * classifier.model.sampleRate).roundToInt()
    private var listening: Listening? = null
    private var closed = false

    init {
        if (hop > classifier.model.window) {
            classifier.close()
            throw IllegalArgumentException(
                "hopSeconds must be at most the model's window of ${model.windowSeconds} s. " +
                    "Received: hopSeconds=${options.hopSeconds}",
            )
        }
    }

    /**
     * A recognizer with a model of the app's assets.
     *
     * @throws EmotionException ([EmotionException.Reason.MODEL]) if the model cannot be used.
     * @throws java.io.IOException if there is no such asset.
     */
    @JvmOverloads
    @Throws(EmotionException::class, java.io.IOException::class)
    constructor(context: Context, asset: String, options: EmotionOptions = EmotionOptions.DEFAULT) :
        this(asset(context, asset), options)

    /**
     * A recognizer with a model from anywhere, as a whole file.
     *
     * @throws EmotionException ([EmotionException.Reason.MODEL]) if the model cannot be used.
     */
    @JvmOverloads
    @Throws(EmotionException::class)
    constructor(model: ByteBuffer, options: EmotionOptions = EmotionOptions.DEFAULT) :
        this(TfliteClassifier(model, options.threads), options)

    /** A recognizer with another runtime. It closes the classifier. */
    @JvmOverloads
    constructor(classifier: Classifier, options: EmotionOptions = EmotionOptions.DEFAULT) :
        this(classifier, options, { MicRecorder() })

    /** What the model says about itself. */
    val model: ModelInfo get() = shared.model

    /** Whether it is recording. */
    @get:Synchronized
    val isListening: Boolean get() = listening?.active == true

    /**
     * Records and classifies, one window every [EmotionOptions.hopSeconds]. The app must have been
     * granted `RECORD_AUDIO`; without it the listener hears an error.
     *
     * @throws IllegalStateException if it is recording already, or closed.
     */
    @Synchronized
    fun start(listener: EmotionListener) {
        check(!closed) { "This recognizer is closed." }
        check(!isListening) { "This recognizer is listening already: call stop() first." }
        // One that an error ended may still be about to say something.
        listening?.mute()
        listening = Listening(recorders(), options, listener, shared, hop).also { it.start() }
    }

    /**
     * Ends recording and releases the microphone; waits for the 100 ms of sound and the window that
     * are being worked on. No call reaches the listener afterwards, but one that is going on.
     * Without effect if it is not recording.
     */
    fun stop() {
        // Not inside the lock: a listener may be asking for it.
        synchronized(this) { listening.also { listening = null } }?.stop()
    }

    /**
     * Goes on with another model of the same labels, head, range, sample rate and window, also while
     * recording.
     *
     * @throws EmotionException ([EmotionException.Reason.MODEL]) if that is not possible; then the
     *   first one stays.
     */
    @Throws(EmotionException::class)
    fun switchModel(model: ByteBuffer) = shared.replace(TfliteClassifier(model, options.threads))

    /**
     * Classifies a whole clip: the mean over windows half a window apart, silent ones left out, not
     * smoothed. They begin at the first sample that is not zero at 16 bits, and end at the last one; a
     * window weighs by its samples that are not in 25 ms of zeros. So zeros around a clip change
     * nothing.
     * The last window is followed by zeros. Python's `kr.load_classifier().classify` does the same.
     *
     * @param samples mono, between -1 and 1, at least 25 ms.
     * @param sampleRate samples per second; another rate than the model's is converted.
     * @throws EmotionException ([EmotionException.Reason.SAMPLES]) if they are no sound.
     */
    @Throws(EmotionException::class)
    fun classify(samples: FloatArray, sampleRate: Int): EmotionResult {
        ClipWindows.check(samples, sampleRate)
        // Before the rate is changed: resampled zeros beside a sound are none.
        val sound = Sound.of(samples, samples.size, sampleRate)
        val clip = atOwnRate(samples.copyOfRange(sound.first, sound.end), sampleRate)
        val scorer = WindowScorer(shared, options, smoothing = 0f)
        val starts = ClipWindows.starts(clip.size, model.window, model.window / 2)
        val windows = score(clip, starts, scorer)
        return scorer.mean(windows, sound.decibels, samples.size.toDouble() / sampleRate)
    }

    /**
     * Classifies a clip as [start] would if it were spoken: one result per window, smoothed. A clip
     * shorter than a window, and the rest after the last one, are followed by zeros.
     *
     * @param samples mono, between -1 and 1, at least 25 ms.
     * @param sampleRate samples per second; another rate than the model's is converted.
     * @throws EmotionException ([EmotionException.Reason.SAMPLES]) if they are no sound.
     */
    @Throws(EmotionException::class)
    fun classifyWindows(samples: FloatArray, sampleRate: Int): List<EmotionResult> {
        ClipWindows.check(samples, sampleRate)
        val clip = atOwnRate(samples, sampleRate)
        // A rest that is too short to say anything is left out.
        val starts = ClipWindows.starts(clip.size, model.window, hop)
            .takeWhile { it == 0 || !ClipWindows.tooShort(clip.size - it, model.sampleRate) }
        val scorer = WindowScorer(shared, options, options.smoothing)
        return score(clip, starts, scorer).map { it.result }
    }

    private fun atOwnRate(samples: FloatArray, rate: Int) =
        Resampler(rate, model.sampleRate).resample(samples)

    private fun score(
        clip: FloatArray, starts: Sequence<Int>, scorer: WindowScorer,
    ): List<WindowScorer.Weighed> {
        val window = FloatArray(model.window)
        return starts.toList().map { start ->
            val heard = minOf(window.size, clip.size - start)
            clip.copyInto(window, 0, start, start + heard)
            window.fill(0f, heard)
            scorer.score(window, heard, (start + heard).toLong(), skipped = 0)
        }
    }

    /** Ends recording and frees the model. May be called again. */
    override fun close() {
        synchronized(this) { closed = true }
        stop()
        shared.close()
    }

    private companion object {
        fun asset(context: Context, name: String): ByteBuffer =
            ByteBuffer.wrap(context.assets.open(name).use { it.readBytes() })
    }
}
