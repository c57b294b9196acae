package kerasreparam.emotion.core

import java.io.ByteArrayOutputStream
import java.nio.ByteBuffer
import java.util.zip.ZipEntry
import java.util.zip.ZipOutputStream
import kerasreparam.emotion.EmotionException
import kerasreparam.emotion.ModelInfo
import kerasreparam.emotion.Shipped
import kotlin.random.Random
import org.junit.Assert.assertEquals
import org.junit.Assert.assertSame
import org.junit.Assert.assertThrows
import org.junit.Assert.assertTrue
import org.junit.Test

class ModelMetadataTest {
    private val model = Shipped.bytes("int8")

    @Test
    fun `labels and sample rate of the shipped models`() {
        for (kind in Shipped.kinds) {
            val metadata = ModelMetadata.read(ByteBuffer.wrap(Shipped.bytes(kind)))
            assertEquals(Shipped.labels, metadata.labels)
            assertEquals(Shipped.sampleRate, metadata.sampleRate)
            assertEquals(ModelInfo.Head.SOFTMAX, metadata.head)
            assertTrue(metadata.name.isNotEmpty())
        }
    }

    @Test
    fun `a packed label file, in an archive whose offsets count from its own beginning`() {
        val archive = ByteArrayOutputStream()
        ZipOutputStream(archive).use {
            it.putNextEntry(ZipEntry("other.txt"))
            it.write("other".toByteArray())
            it.putNextEntry(ZipEntry("labels.txt"))
            it.write("Freude\r\nÄrger\r\n".toByteArray())
        }
        val metadata = ModelMetadata.read(ByteBuffer.wrap(model + archive.toByteArray()))
        assertEquals(listOf("Freude", "Ärger"), metadata.labels)
    }

    @Test
    fun `what is missing is said`() {
        fun message(bytes: ByteArray): String {
            val error =
                assertThrows(EmotionException::class.java) { ModelMetadata.read(ByteBuffer.wrap(bytes)) }
            assertSame(EmotionException.Reason.MODEL, error.reason)
            return error.message!!
        }
        assertTrue(message(ByteArray(0)).contains("no .tflite file"))
        assertTrue(message("RIFF....WAVE".toByteArray()).contains("no .tflite file"))
        assertTrue(message(replaced("TFLITE_METADATA", "TFLITE_METADATB")).contains("no metadata"))
        assertTrue(message(replaced("M001", "M002")).contains("broken"))
        assertTrue(message(model.copyOf(model.size - 22)).contains("label file"))
        assertTrue(message(replaced("anger\nhappiness", "anger\nanger\n\n\n\n")).contains("empty"))
        assertTrue(message(replaced("neutral\nsadness", "neutral\nneutral")).contains("distinct"))
    }

    @Test
    fun `values have a range`() {
        val file = latin1(javaClass.getResourceAsStream("/age.tflite")!!.readBytes())
        fun read(range: String): ModelMetadata {
            assertTrue(file.contains("; range: 18.0 to 60.0"))
            val changed = file.replace("; range: 18.0 to 60.0", range)
            return ModelMetadata.read(ByteBuffer.wrap(changed.toByteArray(Charsets.ISO_8859_1)))
        }
        val found = read("; range: -1e-3 to 1.0")
        assertEquals(ModelInfo.Head.LINEAR, found.head)
        assertEquals(listOf("years", -0.001, 1.0), listOf(found.unit, found.lowest, found.highest))
        for (words in listOf("; range: 60.0 to 18.0", "; range: 18.0 to NaN ", "; range 18.0 too 60.0")) {
            val error = assertThrows(EmotionException::class.java) { read(words) }
            assertSame(EmotionException.Reason.MODEL, error.reason)
            assertTrue(error.message!!, error.message!!.contains("how far its values go (head: linear; unit"))
        }
    }

    @Test
    fun `a threshold that is none is not said`() {
        val file = latin1(javaClass.getResourceAsStream("/int4.tflite")!!.readBytes())
        fun found(words: String): Float {
            assertTrue(file.contains("unsure below: 0.75"))
            val changed = file.replace("unsure below: 0.75", words).toByteArray(Charsets.ISO_8859_1)
            return ModelMetadata.read(ByteBuffer.wrap(changed)).unsureBelow
        }
        assertEquals(0.5f, found("unsure below: 0.50"), 0f)
        for (words in listOf("unsure below: 7.50", "unsure below: -0.5", "unsure below: NaN ", "unsure beyond 0.75")) {
            assertEquals(words, 0f, found(words), 0f)
        }
    }

    @Test
    fun `broken files give metadata or that one exception`() {
        val random = Random(3)
        val start = latin1(model).indexOf("M001") - 4
        repeat(3000) {
            val file = model.copyOf(if (random.nextInt(5) == 0) random.nextInt(model.size) else model.size)
            repeat(random.nextInt(1, 5)) {
                // The root, the metadata, or the archive.
                val at = when (random.nextInt(3)) {
                    0 -> random.nextInt(300)
                    1 -> start + random.nextInt(1500)
                    else -> model.size - 1 - random.nextInt(200)
                }
                if (at in file.indices) file[at] = random.nextInt().toByte()
            }
            try {
                ModelMetadata.read(ByteBuffer.wrap(file))
            } catch (error: EmotionException) {
                assertSame(EmotionException.Reason.MODEL, error.reason)
            }
        }
    }

    private fun replaced(old: String, new: String): ByteArray {
        assertEquals(old.length, new.length)
        assertTrue(old, latin1(model).contains(old))
        return latin1(model).replace(old, new).toByteArray(Charsets.ISO_8859_1)
    }

    private fun latin1(bytes: ByteArray) = String(bytes, Charsets.ISO_8859_1)
}
