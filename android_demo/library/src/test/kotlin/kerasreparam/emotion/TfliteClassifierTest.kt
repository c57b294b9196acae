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
        val file = javaClass.getResourceAsStream("/sigmoid.tflite")!!.readBytes()
        val options = EmotionOptions.Builder().hopSeconds(0.1f).build()
        EmotionRecognizer(ByteBuffer.wrap(file), options).use { recognizer ->
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
    fun `weights of 4 bits, and below which score the file is unsure`() {
        val file = javaClass.getResourceAsStream("/int4.tflite")!!.readBytes()
        val options = EmotionOptions.Builder().hopSeconds(0.1f).build()
        EmotionRecognizer(ByteBuffer.wrap(file), options).use { recognizer ->
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
