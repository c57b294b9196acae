package kerasreparam.emotion

import java.util.concurrent.CountDownLatch
import java.util.concurrent.Executor
import java.util.concurrent.TimeUnit
import kerasreparam.emotion.EmotionException.Reason
import kerasreparam.emotion.EmotionResult.State
import kotlin.math.PI
import kotlin.math.sin
import org.junit.Assert.assertArrayEquals
import org.junit.Assert.assertEquals
import org.junit.Assert.assertFalse
import org.junit.Assert.assertNull
import org.junit.Assert.assertSame
import org.junit.Assert.assertThrows
import org.junit.Assert.assertTrue
import org.junit.Test

/** What is around a model: threads, windows, silence, errors. */
class EmotionRecognizerTest {
    private val recorders = ArrayList<ManualRecorder>()
    private val heard = Heard()

    /** Windows of 80 samples at 1000 Hz, a hop of 50, not smoothed. */
    private fun options() = EmotionOptions.Builder().hopSeconds(0.05f).smoothing(0f)

    private fun recognizer(
        classifier: Classifier = PlainClassifier(),
        options: EmotionOptions = options().build(),
    ) = EmotionRecognizer(classifier, options) { ManualRecorder().also { recorders.add(it) } }

    /** Loud, and every sample another one. */
    private fun ramp(count: Int) = FloatArray(count) { (it + 1f) / count }

    @Test
    fun `the classifier sees the windows of the stream, whatever the chunks are`() {
        val sound = ramp(1000)
        for (chunk in listOf(1, 7, 50)) {
            val classifier = PlainClassifier()
            val heard = Heard()
            recognizer(classifier).use { recognizer ->
                recognizer.start(heard)
                var given = 0
                recorders.last().speak(sound, chunk) {
                    given = minOf(given + chunk, sound.size)
                    if (given >= 80) heard.await((given - 80) / 50 + 1)
                }
            }
            assertEquals(19, classifier.windows.size)
            classifier.windows.forEachIndexed { i, window ->
                assertArrayEquals(sound.copyOfRange(50 * i, 50 * i + 80), window, 0f)
                assertEquals(0.05 * i, heard.results[i].startSeconds, 1e-9)
                assertEquals(0.05 * i + 0.08, heard.results[i].endSeconds, 1e-9)
                assertEquals(0, heard.results[i].skippedWindows)
            }
        }
    }

    @Test
    fun `a model that is too slow sees the newest window, and the result says what was skipped`() {
        val entered = CountDownLatch(1)
        val release = CountDownLatch(1)
        val classifier = PlainClassifier {
            entered.countDown()
            release.await()
        }
        val sound = ramp(1000)
        recognizer(classifier).use { recognizer ->
            recognizer.start(heard)
            recorders[0].speak(sound.copyOfRange(0, 100))
            entered.await()
            // The recorder's thread does not wait for the model.
            recorders[0].speak(sound.copyOfRange(100, 1000))
            release.countDown()
            heard.await(2)
        }
        assertEquals(listOf(0, 17), heard.results.map { it.skippedWindows })
        assertArrayEquals(sound.copyOfRange(900, 980), classifier.windows[1], 0f)
    }

    @Test
    fun `silence is not guessed at, and ends smoothing`() {
        val classifier = PlainClassifier()
        val options = options().smoothing(0.9f).silenceDecibels(-50f).build()
        val recognizer = recognizer(classifier, options)
        // A sine of -23 dB, of -63 dB, of -23 dB.
        val sine = FloatArray(80) { (0.1 * sin(2 * PI * it / 8 + 1.5)).toFloat() }
        val quiet = FloatArray(200) { sine[it % 80] / 100 }
        val results = recognizer.classifyWindows(sine + quiet + sine + FloatArray(80), 1000)
        assertEquals(State.SILENCE, results.first { it.startSeconds > 0.09 }.state)
        val silence = results.first { it.state == State.SILENCE }
        assertEquals(-1, silence.top)
        assertNull(silence.label)
        assertEquals(0f, silence.scores.sum(), 0f)
        assertEquals(0.0, silence.latencyMillis, 0.0)
        assertEquals(results.count { it.state != State.SILENCE }, classifier.windows.size)
        val afterwards = results.indexOf(results.last { it.state == State.SILENCE && it.startSeconds < 0.3 }) + 1
        val window = classifier.windows[results.take(afterwards).count { it.state != State.SILENCE }]
        assertEquals(window[0], results[afterwards].scores[0], 0f)
        assertEquals(State.SILENCE, recognizer.classify(FloatArray(500), 1000).state)
        assertEquals(Float.NEGATIVE_INFINITY, recognizer.classify(FloatArray(500), 1000).decibels, 0f)
    }

    @Test
    fun `a highest score below the minimum is unsure`() {
        val sound = FloatArray(80) { if (it == 0) 0.45f else it % 2f }
        fun result(minimum: Float) =
            recognizer(options = options().minimumScore(minimum).build()).classify(sound, 1000)
        assertEquals(State.UNSURE, result(0.6f).state)
        assertNull(result(0.6f).label)
        assertEquals(1, result(0.6f).top)
        assertEquals("b", result(0.5f).label)
        assertEquals(0.55f, result(0.5f).scores[1], 1e-6f)
        // Without a minimum of the app's it is the model's.
        fun state(unsureBelow: Float, options: EmotionOptions = options().build()): State {
            val classifier = PlainClassifier(unsureBelow = unsureBelow)
            return recognizer(classifier, options).classify(sound, 1000).state
        }
        assertEquals(State.UNSURE, state(0.56f))
        assertEquals(State.EMOTION, state(0.54f))
        assertEquals(State.EMOTION, state(0f))
        assertEquals(State.EMOTION, state(0.56f, options().minimumScore(0f).build()))
    }

    @Test
    fun `a clip is the mean over half-overlapping windows`() {
        val classifier = PlainClassifier()
        val sound = ramp(150)
        val result = recognizer(classifier).classify(sound, 1000)
        val starts = listOf(0, 40, 80)
        assertEquals(starts.map { sound[it] }, classifier.windows.map { it[0] })
        // The last window is shorter.
        val expected = (80 * sound[0] + 80 * sound[40] + 70 * sound[80]) / 230
        assertEquals(expected, result.scores[0], 1e-6f)
        assertArrayEquals(FloatArray(10), classifier.windows[2].copyOfRange(70, 80), 0f)
        assertEquals(0.15, result.endSeconds, 1e-9)
    }

    @Test
    fun `zeros around a clip change nothing, and a window weighs by its sound`() {
        val classifier = PlainClassifier()
        val recognizer = recognizer(classifier)
        // 100 samples of sound, 80 of zeros, 50 of sound: windows of 80, 60, 20, 30 and 50.
        val sound = ramp(230).also { it.fill(0f, 100, 180) }
        val alone = recognizer.classify(sound, 1000)
        val starts = listOf(0, 40, 80, 180, 180)
        assertEquals(starts.map { sound[it] }, classifier.windows.map { it[0] })
        val weights = listOf(80, 60, 20, 20, 50)
        val expected = starts.indices.sumOf { weights[it] * sound[starts[it]].toDouble() } / weights.sum()
        assertEquals(expected.toFloat(), alone.scores[0], 1e-6f)
        for ((before, after) in listOf(0 to 1, 0 to 500, 33 to 0, 500 to 77)) {
            val longer = FloatArray(before) + sound + FloatArray(after)
            val result = recognizer.classify(longer, 1000)
            assertArrayEquals(alone.scores, result.scores, 0f)
            assertEquals(alone.decibels, result.decibels, 0f)
            assertEquals(longer.size / 1000.0, result.endSeconds, 1e-9)
        }
    }

    @Test
    fun `sound at -60 dB is silence, also with an offset or zeros around, and a syllable at -50 dB is none`() {
        fun sound(amplitude: Float, size: Int) = FloatArray(size) { if (it % 2 == 0) amplitude else -amplitude }
        val quiet = sound(1e-3f, 300)
        val recognizer = recognizer(options = EmotionOptions.Builder().hopSeconds(0.05f).build())
        val offset = FloatArray(300) { quiet[it] + 0.1f }
        for (sound in listOf(quiet, offset, FloatArray(90) + quiet + FloatArray(500), FloatArray(99) { 0.3f })) {
            assertEquals(State.SILENCE, recognizer.classify(sound, 1000).state)
            assertTrue(recognizer.classifyWindows(sound, 1000).all { it.state == State.SILENCE })
        }
        assertEquals(-60f, recognizer.classify(offset + FloatArray(400), 1000).decibels, 0.1f)
        // A tenth of a second in a window of one second.
        val classifier = PlainClassifier(window = 1000)
        val speech = sound(1e-4f, 400) + sound(3.2e-3f, 100) + sound(1e-4f, 500)
        val result = recognizer(classifier, EmotionOptions.DEFAULT).classify(speech, 1000)
        assertEquals(State.EMOTION, result.state)
        assertEquals(-60f, result.decibels, 0.5f)
    }

    @Test
    fun `of independent classes one is named only if it is more likely than not`() {
        val sound = FloatArray(80) { it % 2f }
        fun result(score: Float, options: EmotionOptions = options().build()): EmotionResult {
            val classifier = PlainClassifier(labels = listOf("a"), head = ModelInfo.Head.SIGMOID)
            return recognizer(classifier, options).classify(sound.also { it[0] = score }, 1000)
        }
        assertEquals(State.UNSURE, result(0.45f).state)
        assertNull(result(0.45f).label)
        assertEquals(0.45f, result(0.45f).scores.single(), 0f)
        assertEquals("a", result(0.5f).label)
        assertEquals("a", result(0.5f, options().minimumScore(0.1f).build()).label)
        assertEquals(State.UNSURE, result(0.4f, options().minimumScore(0.1f).build()).state)
        assertEquals(State.UNSURE, result(0.6f, options().minimumScore(0.7f).build()).state)
    }

    @Test
    fun `samples that are no sound are refused`() {
        val recognizer = recognizer()
        val bad = listOf(
            FloatArray(24) to 1000,
            FloatArray(0) to 1000,
            floatArrayOf(Float.NaN) + ramp(100) to 1000,
            floatArrayOf(Float.POSITIVE_INFINITY) + ramp(100) to 1000,
            FloatArray(100) { 1000f } to 1000,
            ramp(100) to 0,
            ramp(100) to -16000,
        )
        for ((samples, rate) in bad) {
            val error = assertThrows(EmotionException::class.java) { recognizer.classify(samples, rate) }
            assertSame(Reason.SAMPLES, error.reason)
        }
    }

    @Test
    fun `levels come with every chunk`() {
        val recognizer = recognizer()
        recognizer.start(heard)
        recorders[0].speak(FloatArray(100))
        recorders[0].speak(FloatArray(100) { if (it % 2 == 0) 1f else -1f })
        assertEquals(listOf(Float.NEGATIVE_INFINITY, 0f), heard.levels)
        recognizer.close()
    }

    @Test
    fun `start and stop, and start again`() {
        val recognizer = recognizer()
        assertFalse(recognizer.isListening)
        recognizer.stop()
        recognizer.start(heard)
        assertTrue(recognizer.isListening)
        assertEquals(1000, recorders[0].sampleRate)
        assertThrows(IllegalStateException::class.java) { recognizer.start(heard) }
        recognizer.stop()
        recognizer.stop()
        assertFalse(recognizer.isListening)
        assertTrue(recorders[0].stops > 0)
        assertNoThreads()
        // What the recorder still has is not heard.
        recorders[0].speak(ramp(500))
        assertTrue(heard.results.isEmpty() && heard.levels.isEmpty())
        recognizer.start(heard)
        recorders[1].speak(ramp(100))
        heard.await(1)
        assertEquals(0.0, heard.results[0].startSeconds, 0.0)
        recognizer.close()
        assertNoThreads()
    }

    @Test
    fun `an error of the recorder ends it, and it can be started again at once`() {
        val recognizer = recognizer()
        val again = object : EmotionListener by heard {
            override fun onError(error: EmotionException) {
                heard.onError(error)
                assertFalse(recognizer.isListening)
                recognizer.start(heard)
            }
        }
        recognizer.start(again)
        recorders[0].speak(ramp(100))
        heard.await(1)
        recorders[0].sink.onError(EmotionException(Reason.MICROPHONE_LOST, "gone"))
        assertEquals(listOf(Reason.MICROPHONE_LOST), heard.errors.map { it.reason })
        assertTrue(recognizer.isListening)
        recorders[0].speak(ramp(100))
        recorders[1].speak(ramp(100))
        heard.await(2)
        assertEquals(2, heard.results.size)
        recognizer.close()
        assertNoThreads()
    }

    @Test
    fun `a model that fails ends it with an error`() {
        val recognizer = recognizer(PlainClassifier { throw IllegalStateException("out of order") })
        recognizer.start(heard)
        recorders[0].speak(ramp(100))
        heard.await { heard.errors.isNotEmpty() && !recognizer.isListening }
        assertSame(Reason.MODEL, heard.errors.single().reason)
        assertTrue(heard.errors.single().message!!.contains("out of order"))
        heard.await { recorders[0].stops > 0 }
        recognizer.close()
        assertNoThreads()
    }

    @Test
    fun `a listener may stop it from any callback`() {
        for (where in listOf("result", "level", "error")) {
            val recognizer = recognizer()
            val done = CountDownLatch(1)
            fun stop(here: String) {
                if (here == where) {
                    recognizer.stop()
                    done.countDown()
                }
            }
            recognizer.start(object : EmotionListener {
                override fun onResult(result: EmotionResult) = stop("result")
                override fun onError(error: EmotionException) = stop("error")
                override fun onLevel(decibels: Float) = stop("level")
            })
            recorders.last().speak(ramp(100))
            if (where == "error") recorders.last().sink.onError(EmotionException(Reason.MICROPHONE_LOST, ""))
            assertTrue(where, done.await(10, TimeUnit.SECONDS))
            assertFalse(recognizer.isListening)
            recognizer.close()
        }
        assertNoThreads()
    }

    @Test
    fun `nothing is heard after stop, also when the executor is late`() {
        val waiting = ArrayList<Runnable>()
        val late = Executor { synchronized(waiting) { waiting.add(it) } }
        val recognizer = recognizer(options = options().executor(late).build())
        recognizer.start(heard)
        recorders[0].speak(ramp(100))
        heard.await { synchronized(waiting) { waiting.size == 2 } }
        assertTrue(heard.results.isEmpty())
        recognizer.stop()
        waiting.forEach { it.run() }
        assertTrue(heard.results.isEmpty() && heard.levels.isEmpty())
        recognizer.close()
    }

    @Test
    fun `close frees the model once and ends everything`() {
        val classifier = PlainClassifier()
        val recognizer = recognizer(classifier)
        recognizer.start(heard)
        recognizer.close()
        recognizer.close()
        assertEquals(1, classifier.closed)
        assertThrows(IllegalStateException::class.java) { recognizer.start(heard) }
        assertThrows(IllegalStateException::class.java) { recognizer.classify(ramp(100), 1000) }
        assertNoThreads()
    }

    @Test
    fun `a hop longer than the window is refused, and the model freed`() {
        val classifier = PlainClassifier()
        val error = assertThrows(IllegalArgumentException::class.java) {
            recognizer(classifier, options().hopSeconds(0.1f).build())
        }
        assertTrue(error.message!!.contains("Received: hopSeconds=0.1"))
        assertEquals(1, classifier.closed)
    }

    @Test
    fun `options out of range are refused`() {
        val builder = EmotionOptions.Builder()
        val bad = listOf<() -> Unit>(
            { builder.hopSeconds(0f) },
            { builder.hopSeconds(Float.NaN) },
            { builder.smoothing(1f) },
            { builder.smoothing(-0.1f) },
            { builder.smoothing(Float.NaN) },
            { builder.silenceDecibels(1f) },
            { builder.minimumScore(1.1f) },
            { builder.threads(0) },
        )
        for (change in bad) {
            val error = assertThrows(IllegalArgumentException::class.java) { change() }
            assertTrue(error.message!!.contains("Received: "))
        }
    }

    private fun assertNoThreads() = heard.await {
        Thread.getAllStackTraces().keys.none { it.name.startsWith("emotion-") }
    }
}
