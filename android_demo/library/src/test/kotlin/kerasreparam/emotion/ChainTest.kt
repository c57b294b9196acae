package kerasreparam.emotion

import kotlin.math.abs
import org.junit.Assert.assertArrayEquals
import org.junit.Assert.assertEquals
import org.junit.Assert.assertSame
import org.junit.Assert.assertThrows
import org.junit.Assert.assertTrue
import org.junit.Before
import org.junit.Test

/** Real speech through recorder, windows and the shipped models in Android's own runtime. */
class ChainTest {
    private val options = EmotionOptions.Builder().smoothing(0f).build()

    @Before
    fun loadRuntime() = HostRuntime.load()

    @Test
    fun `clips as chunks of a recorder give the golden scores`() {
        for (kind in Shipped.kinds) {
            for ((clip, chunk) in Shipped.clips.zip(listOf(1600, 160, 999, 64000, 1, 1600))) {
                val recorder = ManualRecorder()
                val heard = Heard()
                EmotionRecognizer(TfliteClassifier(Shipped.model(kind)), options) { recorder }.use {
                    it.start(heard)
                    recorder.speak(clip.wav.samples.copyOf(Shipped.window), chunk)
                    heard.await(1)
                }
                val scores = heard.results.single().scores
                assertArrayEquals("$kind ${clip.name}", clip.scores(kind), scores, Shipped.tolerance(kind))
                assertEquals(0, heard.errors.size)
            }
        }
    }

    @Test
    fun `clips as a whole give the golden scores, and name the emotion`() {
        for (kind in Shipped.kinds) {
            EmotionRecognizer(Shipped.model(kind), options).use { recognizer ->
                for (clip in Shipped.clips) {
                    val result = recognizer.classify(clip.wav.samples, clip.wav.sampleRate)
                    val expected = clip.scores(kind)
                    assertArrayEquals("$kind ${clip.name}", expected, result.scores, Shipped.tolerance(kind))
                    assertEquals(Shipped.labels[expected.indices.maxBy { expected[it] }], result.label)
                    assertEquals(clip.wav.samples.size / 16000.0, result.endSeconds, 1e-9)
                    val single = recognizer.classifyWindows(clip.wav.samples, 16000).single()
                    assertArrayEquals(result.scores, single.scores, 0f)
                }
            }
        }
    }

    @Test
    fun `zeros around a clip change nothing, at any rate`() {
        EmotionRecognizer(Shipped.model("int8"), options).use { recognizer ->
            val speech = Shipped.clips.take(3).map { it.wav.samples }.reduce { all, next -> all + next }
            for ((samples, rate) in listOf(64000, 95000).flatMap { listOf(it to 16000, it to 44100) }) {
                val clip = speech.copyOf(samples)
                val expected = recognizer.classify(clip, rate).scores
                for ((before, after) in listOf(0 to rate, 12345 to 0, 3 * rate to 5 * rate)) {
                    val result = recognizer.classify(FloatArray(before) + clip + FloatArray(after), rate)
                    assertArrayEquals("$samples at $rate", expected, result.scores, 0f)
                }
            }
        }
    }

    @Test
    fun `windows of a long clip equal those of the stream`() {
        val sound = Shipped.clips.map { it.wav.samples }.reduce { all, next -> all + next }
        val recorder = ManualRecorder()
        val heard = Heard()
        val classifier = TfliteClassifier(Shipped.model("float32"))
        EmotionRecognizer(classifier, EmotionOptions.DEFAULT) { recorder }.use {
            it.start(heard)
            var given = 0
            recorder.speak(sound) {
                given += 1600
                if (given >= 64000) heard.await((minOf(given, sound.size) - 64000) / 8000 + 1)
            }
            val whole = it.classifyWindows(sound, 16000)
            assertTrue(heard.results.size >= 7)
            assertTrue(whole.size in heard.results.size..heard.results.size + 1)
            for ((streamed, window) in heard.results.zip(whole)) {
                assertArrayEquals(window.scores, streamed.scores, 1e-6f)
                assertEquals(window.startSeconds, streamed.startSeconds, 1e-9)
            }
        }
    }

    @Test
    fun `the model is switched while recording`() {
        val recorder = ManualRecorder()
        val heard = Heard()
        // The one for which the two models differ most.
        val clip = Shipped.clips.maxBy { difference(it.scores("float32"), it.scores("int8")) }
        val sound = clip.wav.samples.copyOf(Shipped.window)
        EmotionRecognizer(TfliteClassifier(Shipped.model("float32")), options) { recorder }.use {
            it.start(heard)
            recorder.speak(sound)
            heard.await(1)
            val sizes = it.model.sizeBytes
            it.switchModel(Shipped.model("int8"))
            assertTrue(it.model.sizeBytes < sizes)
            recorder.speak(sound)
            heard.await { heard.results.last().endSeconds == 8.0 }
        }
        assertArrayEquals(clip.scores("float32"), heard.results[0].scores, 1e-4f)
        assertArrayEquals(clip.scores("int8"), heard.results.last().scores, 0.02f)
        assertTrue(difference(clip.scores("float32"), heard.results.last().scores) > 1e-3f)
        assertTrue(heard.errors.isEmpty())
    }

    private fun difference(a: FloatArray, b: FloatArray) = a.indices.maxOf { abs(a[it] - b[it]) }

    @Test
    fun `a model of another kind is not switched to`() {
        EmotionRecognizer(PlainClassifier(window = 1000), options).use {
            val error =
                assertThrows(EmotionException::class.java) { it.switchModel(Shipped.model("int8")) }
            assertSame(EmotionException.Reason.MODEL, error.reason)
            assertEquals("plain", it.model.name)
        }
    }
}
