package kerasreparam.emotion.app

import android.content.Context
import android.net.Uri
import android.os.Bundle
import android.os.Handler
import android.os.Looper
import java.io.BufferedInputStream
import java.io.FileNotFoundException
import java.io.IOException
import java.util.concurrent.Executors
import kerasreparam.emotion.EmotionException
import kerasreparam.emotion.EmotionListener
import kerasreparam.emotion.EmotionOptions
import kerasreparam.emotion.EmotionRecognizer
import kerasreparam.emotion.EmotionResult
import kerasreparam.emotion.ModelInfo
import kerasreparam.emotion.TfliteClassifier
import kerasreparam.emotion.WavFile

/**
 * What outlives a rotation: the models, the recognizer and what was heard. For the main thread;
 * whatever may take long happens on one thread of its own, in order.
 */
internal class Session(private val context: Context, saved: Bundle?) {
    enum class Phase { LOADING, READY, LISTENING, READING, BROKEN }

    val settings = Settings(context)
    val timeline = Timeline()

    var phase = Phase.LOADING
        private set

    /** What the models have in common; `null` until they are loaded. */
    var model: ModelInfo? = null
        private set

    var models = emptyList<BundledModel>()
        private set

    /** The one that is used. */
    var chosen: BundledModel? = null
        private set

    /** Of what was heard, also before the models are loaded. */
    private var labels = emptyList<String>()

    var moment: Moment? = null
        private set

    /** Decibels relative to full scale of the last 100 ms. */
    var level = Float.NEGATIVE_INFINITY
        private set

    /** Windows left out in this recording because the phone is too slow. */
    var skippedWindows = 0
        private set

    var notice: Notice? = null
        private set

    /** Is called after every change; a level alone changes [level]. */
    var observer: Observer? = null

    interface Observer {
        fun onChange()

        fun onLevel()
    }

    private val main = Handler(Looper.getMainLooper())
    private val worker = Executors.newSingleThreadExecutor { Thread(it, "emotion-session") }
    private var recording: Recording? = null
    private var fileWaits = false

    // The worker's own.
    private var recognizer: EmotionRecognizer? = null

    init {
        saved?.let { restore(it) }
        worker.execute { load() }
    }

    fun start() {
        if (phase != Phase.READY) return
        phase = Phase.LISTENING
        notice = null
        moment = null
        skippedWindows = 0
        listen()
        changed()
    }

    fun stop() {
        if (phase != Phase.LISTENING) return
        end(null)
        worker.execute { recognizer?.stop() }
    }

    /** The app is not seen any more: the microphone goes off. */
    fun leave() {
        if (phase != Phase.LISTENING) return
        stop()
        show(Notice.LEFT)
    }

    fun show(notice: Notice?) {
        this.notice = notice
        changed()
    }

    /** Goes on with another one of [models], also while listening. */
    fun choose(next: BundledModel) {
        if (next === chosen || model == null) return
        settings.model = next.file
        chosen = next
        work { recognizer?.switchModel(next.content) }
        changed()
    }

    /** Takes over changed [settings], also while listening. */
    fun settingsChanged() {
        val model = chosen?.content ?: return
        val options = options()
        work {
            recognizer?.close()
            recognizer = EmotionRecognizer(model, options)
        }
        if (phase == Phase.LISTENING) listen()
        changed()
    }

    /** Classifies a file and shows its timeline. */
    fun read(file: Uri) {
        if (phase == Phase.LISTENING) stop()
        if (phase != Phase.READY && phase != Phase.LOADING) return
        notice = null
        // While the models are still being loaded, READING comes after that.
        if (phase == Phase.READY) phase = Phase.READING else fileWaits = true
        val name = FileName.of(context, file)
        worker.execute {
            val failure = attempt { classify(file, name) }
            post {
                if (phase == Phase.READING) enter(Phase.READY)
                if (failure != null) show(failure)
            }
        }
        changed()
    }

    fun save(): Bundle = Bundle().apply {
        putStringArray(LABELS, labels.toTypedArray())
        putBundle(TIMELINE, timeline.save())
        moment?.let { putBundle(MOMENT, it.save()) }
        notice?.let { putString(NOTICE, it.name) }
    }

    /** Frees the models; nothing is called any more. */
    fun close() {
        observer = null
        recording = null
        worker.execute { recognizer?.close() }
        worker.shutdown()
    }

    private fun restore(saved: Bundle) {
        labels = saved.getStringArray(LABELS).orEmpty().toList()
        saved.getBundle(TIMELINE)?.let { timeline.restore(it) }
        moment = saved.getBundle(MOMENT)?.let { Moment.restore(it) }
        notice = saved.getString(NOTICE)?.let { Notice.valueOf(it) }
    }

    private fun load() {
        val failure = attempt {
            val all = BundledModel.all(context.assets)
            val first = all.firstOrNull { it.file == settings.model } ?: all.firstOrNull()
                ?: throw FileNotFoundException("no model in the assets")
            val info = TfliteClassifier(first.content).use { it.model }
            if (settings.hopSeconds !in Settings.hops(info)) {
                settings.hopSeconds = Settings.hops(info).minBy { Math.abs(it - settings.hopSeconds) }
            }
            recognizer = EmotionRecognizer(first.content, options())
            post { loaded(all, first, info) }
            for (model in all) {
                val times = model.measure()
                post {
                    times.forEach(model.latency::add)
                    changed()
                }
            }
        }
        if (failure != null) {
            post {
                phase = Phase.BROKEN
                show(failure)
            }
        }
    }

    private fun loaded(all: List<BundledModel>, first: BundledModel, info: ModelInfo) {
        models = all
        chosen = first
        model = info
        if (labels != info.labels) {
            // What another version of the app has left behind says nothing about this model.
            labels = info.labels
            timeline.clear()
            moment = null
        }
        enter(if (fileWaits) Phase.READING else Phase.READY)
    }

    private fun listen() {
        val listener = Recording()
        recording = listener
        timeline.beginRecording()
        worker.execute { recognizer?.start(listener) }
    }

    private fun end(why: Notice?) {
        recording = null
        phase = Phase.READY
        level = Float.NEGATIVE_INFINITY
        notice = why
        observer?.onLevel()
        changed()
    }

    private fun classify(file: Uri, name: String) {
        val stream = context.contentResolver.openInputStream(file)
            ?: throw FileNotFoundException("nothing behind $file")
        val wav = stream.use { WavFile.read(BufferedInputStream(it)) }
        val recognizer = this.recognizer ?: return
        val whole = recognizer.classify(wav.samples, wav.sampleRate)
        val windows = recognizer.classifyWindows(wav.samples, wav.sampleRate)
        post {
            timeline.clear()
            windows.forEach(timeline::add)
            moment = Moment(whole, name)
            skippedWindows = 0
            notice = if (wav.truncated) Notice.FILE_TRUNCATED else null
        }
    }

    private fun options() = EmotionOptions.Builder()
        .hopSeconds(settings.hopSeconds)
        .smoothing(if (settings.smoothing) EmotionOptions.DEFAULT.smoothing else 0f)
        .executor { main.post(it) }
        .build()

    private fun work(what: () -> Unit) = worker.execute {
        attempt(what)?.let { failure -> post { show(failure) } }
    }

    /** What went wrong, if anything did. */
    private fun attempt(what: () -> Unit): Notice? {
        try {
            what()
            return null
        } catch (error: EmotionException) {
            return Notice.of(error.reason)
        } catch (_: IOException) {
            return Notice.FILE_NOT_OPENED
        } catch (_: SecurityException) {
            // The permission to read the file has been taken back.
            return Notice.FILE_NOT_OPENED
        } catch (_: LinkageError) {
            // The runtime was not built for this processor.
            return Notice.MODEL
        }
    }

    private fun enter(next: Phase) {
        phase = next
        changed()
    }

    private fun post(what: () -> Unit) {
        main.post(what)
    }

    private fun changed() {
        observer?.onChange()
    }

    /** Hears one recording; what comes after its end counts no more. */
    private inner class Recording : EmotionListener {
        private var mutedChunks = 0

        override fun onResult(result: EmotionResult) {
            if (recording !== this) return
            timeline.add(result)
            moment = Moment(result, file = null)
            skippedWindows += result.skippedWindows
            if (result.state != EmotionResult.State.SILENCE) chosen?.latency?.add(result.latencyMillis)
            changed()
        }

        override fun onError(error: EmotionException) {
            if (recording === this) end(Notice.of(error.reason))
        }

        override fun onLevel(decibels: Float) {
            if (recording !== this) return
            level = decibels
            observer?.onLevel()
            // No room is that quiet: a call or another app has the microphone, or it is switched off.
            mutedChunks = if (decibels == Float.NEGATIVE_INFINITY) mutedChunks + 1 else 0
            val muted = mutedChunks >= MUTED_CHUNKS
            if (muted && notice == null) show(Notice.MICROPHONE_MUTED)
            if (!muted && notice == Notice.MICROPHONE_MUTED) show(null)
        }
    }

    private companion object {
        const val MUTED_CHUNKS = 20
        const val LABELS = "labels"
        const val TIMELINE = "timeline"
        const val MOMENT = "moment"
        const val NOTICE = "notice"
    }
}
