package kerasreparam.emotion

import java.nio.ByteBuffer
import org.junit.Assert.assertArrayEquals
import org.junit.Assert.assertEquals
import org.junit.Assert.assertSame
import org.junit.Assert.assertThrows
import org.junit.Assert.assertTrue
import org.junit.Before
import org.junit.Test

/** The shipped models in Android's own build of the runtime. */
class TfliteClassifierTest {
    @Before
    fun loadRuntime() = HostRuntime.load()

    @Test
    fun `scores equal the golden vectors`() {
        for (kind in Shipped.kinds) {
            var largest = 0f
            TfliteClassifier(Shipped.model(kind)).use { classifier ->
                val scores = FloatArray(Shipped.labels.size)
                for (clip in Shipped.clips) {
                    classifier.classify(clip.wav.samples.copyOf(Shipped.window), scores)
                    val expected = clip.scores(kind)
                    assertArrayEquals("$kind ${clip.name}", expected, scores, Shipped.tolerance(kind))
                    assertEquals(clip.name, top(expected), top(scores))
                    for (i in scores.indices) largest = maxOf(largest, Math.abs(scores[i] - expected[i]))
                }
            }
            println("golden vectors, $kind: largest difference $largest")
        }
    }

    @Test
    fun `the model says what it takes`() {
        val model = TfliteClassifier(Shipped.model("int8")).use { it.model }
        assertEquals(Shipped.labels, model.labels)
        assertEquals(Shipped.sampleRate, model.sampleRate)
        assertEquals(Shipped.window, model.window)
        assertEquals(4.0, model.windowSeconds, 0.0)
        assertEquals(Shipped.bytes("int8").size, model.sizeBytes)
    }

    @Test
    fun `scores of a sigmoid stand for themselves`() {
        recognizer("sigmoid").use { recognizer ->
            assertEquals(ModelInfo.Head.SIGMOID, recognizer.model.head)
            // The model's logits are 4x - 1 and -4x - 1, of the first sample x.
            fun result(first: Float): EmotionResult {
                val sound = FloatArray(900) { if (it % 400 == 0) first else 0.5f * (it % 2) }
                return recognizer.classify(sound, 8000)
            }
            val above = result(0.5f)
            assertEquals("above", above.label)
            assertArrayEquals(floatArrayOf(0.7311f, 0.0474f), above.scores, 1e-3f)
            val none = result(0.1f)
            assertEquals(EmotionResult.State.UNSURE, none.state)
            assertArrayEquals(floatArrayOf(0.3543f, 0.1978f), none.scores, 1e-3f)
        }
    }

    @Test
    fun `values and independent classes are Python's`() {
        val golden = GoldenFile("scores.bin")
        val noises = List(golden.int()) { golden.floats() }
        val names = ArrayList<String>()
        while (golden.hasMore) {
            names.add(golden.text())
            recognizer(names.last()).use { recognizer ->
                for (noise in noises) {
                    val scores = recognizer.classify(noise, 8000).scores
                    assertArrayEquals(names.last(), golden.floats(), scores, 1e-4f)
                }
            }
        }
        assertEquals(listOf("age", "affect", "sigmoid"), names)
    }

    @Test
    fun `values have names, a unit and a range`() {
        val noise = FloatArray(800) { 0.25f * (1 - 2 * (it % 2)) }
        recognizer("affect").use { recognizer ->
            val result = recognizer.classify(noise, 8000)
            assertEquals(EmotionResult.State.VALUES, result.state)
            assertEquals(listOf("valence", "arousal"), result.values.keys.toList())
            assertEquals(0.55f, result.values.getValue("valence"), 1e-4f)
            assertEquals(-1, result.top)
            assertEquals(null, result.label)
            assertEquals("", recognizer.model.unit)
        }
        recognizer("age").use { recognizer ->
            assertEquals(30f, recognizer.classify(noise, 8000).values.getValue("age"), 1e-3f)
            assertTrue(recognizer.classify(FloatArray(800), 8000).values.isEmpty())
            val model = recognizer.model
            assertEquals(listOf("years", 18.0, 60.0), listOf(model.unit, model.lowest, model.highest))
            val months = String(file("age"), Charsets.ISO_8859_1).replace("unit: years", "unit: month")
            val error = assertThrows(EmotionException::class.java) {
                recognizer.switchModel(ByteBuffer.wrap(months.toByteArray(Charsets.ISO_8859_1)))
            }
            assertTrue(error.message!!, error.message!!.contains("range"))
        }
    }

    private fun file(name: String) = javaClass.getResourceAsStream("/$name.tflite")!!.readBytes()

    private fun recognizer(name: String): EmotionRecognizer {
        // Its window is 0.1 s.
        val options = EmotionOptions.Builder().hopSeconds(0.1f).build()
        return EmotionRecognizer(ByteBuffer.wrap(file(name)), options)
    }

    @Test
    fun `weights of 4 bits, and below which score the file is unsure`() {
        recognizer("int4").use { recognizer ->
            // The model's logits are 4x - 1 and -4x - 1, of the first sample x.
            for (first in floatArrayOf(0.5f, 0.25f, -0.3f)) {
                val sound = FloatArray(800) { if (it == 0) first else 0.5f * (it % 2) }
                val scores = recognizer.classify(sound, 8000).scores
                val above = (1 / (1 + Math.exp(-8.0 * first))).toFloat()
                assertArrayEquals("$first", floatArrayOf(above, 1 - above), scores, 0.01f)
            }
            assertEquals(0.75f, recognizer.model.unsureBelow, 0f)
            // Scores of 0.69 and 0.80.
            for ((first, label) in listOf(0.1f to null, 0.175f to "above")) {
                val sound = FloatArray(800) { if (it == 0) first else 0.5f * (it % 2) }
                assertEquals(label, recognizer.classify(sound, 8000).label)
            }
        }
    }

    @Test
    fun `any buffer will do`() {
        val clip = Shipped.clips[0]
        for (model in listOf(ByteBuffer.wrap(Shipped.bytes("float32")), Shipped.model("float32").slice())) {
            TfliteClassifier(model, threads = 2).use { classifier ->
                val scores = FloatArray(4)
                classifier.classify(clip.wav.samples.copyOf(Shipped.window), scores)
                assertArrayEquals(clip.scores("float32"), scores, Shipped.tolerance("float32"))
            }
        }
    }

    @Test
    fun `a model that cannot be used is refused`() {
        val text = String(Shipped.bytes("int8"), Charsets.ISO_8859_1)
        val fewer = text.replace("anger\nhappiness", "anger_happiness").toByteArray(Charsets.ISO_8859_1)
        val error =
            assertThrows(EmotionException::class.java) { TfliteClassifier(ByteBuffer.wrap(fewer)) }
        assertSame(EmotionException.Reason.MODEL, error.reason)
        assertTrue(error.message!!, error.message!!.contains("3 labels and gives 4 scores"))
        assertThrows(EmotionException::class.java) { TfliteClassifier(ByteBuffer.wrap(ByteArray(100))) }
    }

    @Test
    fun `arrays of another length are refused`() {
        TfliteClassifier(Shipped.model("float32")).use { classifier ->
            for ((samples, scores) in listOf(63999 to 4, 64000 to 3)) {
                assertThrows(IllegalArgumentException::class.java) {
                    classifier.classify(FloatArray(samples), FloatArray(scores))
                }
            }
        }
    }

    private fun top(scores: FloatArray) = scores.indices.maxByOrNull { scores[it] }
}
