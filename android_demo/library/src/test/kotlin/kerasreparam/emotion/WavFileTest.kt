package kerasreparam.emotion

import java.io.IOException
import java.io.InputStream
import java.lang.management.ManagementFactory
import java.nio.ByteBuffer
import java.nio.ByteOrder
import kotlin.random.Random
import org.junit.Assert.assertArrayEquals
import org.junit.Assert.assertEquals
import org.junit.Assert.assertFalse
import org.junit.Assert.assertSame
import org.junit.Assert.assertThrows
import org.junit.Assert.assertTrue
import org.junit.Test

class WavFileTest {
    private class Case(val name: String, val bytes: ByteArray, val samples: FloatArray)

    private val cases = GoldenFile("wav.bin").let { golden ->
        buildList {
            while (golden.hasMore) add(Case(golden.text(), golden.bytes(), golden.floats()))
        }
    }

    @Test
    fun `every kind gives the samples that soundfile reads`() {
        assertEquals(20, cases.size)
        for (case in cases) {
            val wav = WavFile.read(case.bytes.inputStream())
            assertEquals(case.name, 22050, wav.sampleRate)
            assertArrayEquals(case.name, case.samples, wav.samples, 1e-7f)
            assertFalse(case.name, wav.truncated)
        }
    }

    @Test
    fun `a stream that gives a byte at a time gives the same`() {
        for (case in cases) {
            val slow = object : InputStream() {
                val bytes = case.bytes.inputStream()
                override fun read() = bytes.read()
                override fun read(into: ByteArray, at: Int, count: Int) =
                    bytes.read(into, at, minOf(count, 1))
            }
            assertArrayEquals(case.name, case.samples, WavFile.read(slow).samples, 1e-7f)
        }
    }

    @Test
    fun `no more is read than asked for`() {
        val wav = WavFile.read(pcm16(frames = 50000, rate = 16000).inputStream(), maxSeconds = 2)
        assertEquals(32000, wav.samples.size)
        assertTrue(wav.truncated)
    }

    @Test
    fun `other chunks are passed over, also of odd size`() {
        val plain = pcm16(frames = 10, rate = 16000)
        val extra = "LIST".toByteArray() + byteArrayOf(3, 0, 0, 0, 1, 2, 3, 0)
        val file = plain.copyOfRange(0, 12) + extra + plain.copyOfRange(12, plain.size)
        assertArrayEquals(
            WavFile.read(plain.inputStream()).samples, WavFile.read(file.inputStream()).samples, 0f,
        )
    }

    @Test
    fun `a recording that was cut off is read to its end`() {
        val file = pcm16(frames = 1000, rate = 16000)
        val wav = WavFile.read(file.copyOf(44 + 2 * 600 + 1).inputStream())
        assertEquals(600, wav.samples.size)
        ByteBuffer.wrap(file).order(ByteOrder.LITTLE_ENDIAN).putInt(40, -1)
        assertEquals(1000, WavFile.read(file.inputStream()).samples.size)
    }

    @Test
    fun `channels of opposite phase do not cancel`() {
        val frames = 40000
        val left = FloatArray(frames) { kotlin.math.sin(it / 20.0).toFloat() / 2 }
        // Nearly opposite in the first 16384 frames, alike after them.
        val right = FloatArray(frames) { if (it < 16384) -0.9f * left[it] else left[it] }
        val data = ByteBuffer.allocate(44 + 4 * frames).order(ByteOrder.LITTLE_ENDIAN)
        data.put(pcm16(frames = frames, rate = 16000), 0, 44)
        data.putInt(4, 36 + 4 * frames).putShort(22, 2).putInt(28, 64000).putShort(32, 4)
        data.putInt(40, 4 * frames).position(44)
        for (i in 0 until frames) for (x in listOf(left, right)) data.putShort((x[i] * 32767).toInt().toShort())
        assertArrayEquals(left, WavFile.read(data.array().inputStream()).samples, 1e-4f)
    }

    @Test
    fun `what is wrong is said`() {
        fun message(change: (ByteBuffer) -> Unit): String {
            val file = pcm16(frames = 10, rate = 16000)
            change(ByteBuffer.wrap(file).order(ByteOrder.LITTLE_ENDIAN))
            val error = assertThrows(EmotionException::class.java) { WavFile.read(file.inputStream()) }
            assertSame(EmotionException.Reason.WAV, error.reason)
            return error.message!!
        }
        assertTrue(message { it.putInt(0, 0) }.contains("RIFF"))
        assertTrue(message { it.putInt(8, 0) }.contains("WAVE"))
        assertTrue(message { it.putShort(20, 85) }.contains("compressed"))
        assertTrue(message { it.putShort(22, 6) }.contains("6 channels"))
        assertTrue(message { it.putInt(24, 0) }.contains("sample rate"))
        assertTrue(message { it.putShort(34, 12) }.contains("12 bits"))
        assertTrue(message { it.putInt(40, 0) }.contains("no samples"))
        assertTrue(message { it.putInt(16, 3) }.contains("3 bytes"))
        assertTrue(message { it.putInt(12, 0) }.contains("precedes its format"))
        assertTrue(message { it.putInt(36, 0) }.contains("ends too early"))
    }

    @Test
    fun `errors of the stream stay what they are`() {
        val broken = object : InputStream() {
            override fun read(): Int = throw IOException("gone")
        }
        assertEquals("gone", assertThrows(IOException::class.java) { WavFile.read(broken) }.message)
    }

    @Test
    fun `ten thousand broken files give samples or that one exception, in little memory and time`() {
        val random = Random(7)
        val seeds = cases.map { it.bytes } + pcm16(frames = 30000, rate = 48000)
        val threads = ManagementFactory.getThreadMXBean() as com.sun.management.ThreadMXBean
        val self = Thread.currentThread().id
        var refused = 0
        var largest = 0L
        var slowest = 0L
        repeat(10_000) {
            val file = mutate(seeds[random.nextInt(seeds.size)], random)
            val before = threads.getThreadAllocatedBytes(self)
            val start = System.nanoTime()
            try {
                for (sample in WavFile.read(file.inputStream()).samples) assertTrue(sample.isFinite())
            } catch (error: EmotionException) {
                assertSame(EmotionException.Reason.WAV, error.reason)
                refused++
            }
            slowest = maxOf(slowest, System.nanoTime() - start)
            largest = maxOf(largest, threads.getThreadAllocatedBytes(self) - before)
        }
        println("fuzz: $refused of 10000 refused, at most ${largest / 1024} KiB and ${slowest / 1000000} ms")
        assertTrue("$refused", refused in 2000..9800)
        assertTrue("$largest", largest < 64L shl 20)
        assertTrue("$slowest", slowest < 2_000_000_000)
    }

    private fun mutate(seed: ByteArray, random: Random): ByteArray {
        var file = seed.copyOf()
        repeat(random.nextInt(1, 6)) {
            // Mostly in the head, where the fields are.
            val span = if (random.nextInt(4) > 0) minOf(file.size, 70) else file.size
            val at = if (span == 0) 0 else random.nextInt(span)
            when (random.nextInt(6)) {
                0, 1 -> if (file.isNotEmpty()) file[at] = random.nextInt().toByte()
                2 -> if (at + 4 <= file.size) {
                    val values = intArrayOf(0, 1, -1, Int.MAX_VALUE, Int.MIN_VALUE, 0x7fffffff, 0x10000)
                    ByteBuffer.wrap(file).order(ByteOrder.LITTLE_ENDIAN).putInt(at, values.random(random))
                }
                3 -> file = file.copyOf(at)
                4 -> file = file.copyOfRange(0, at) + random.nextBytes(random.nextInt(9)) +
                    file.copyOfRange(at, file.size)
                else -> file = file.copyOfRange(0, at) +
                    file.copyOfRange(minOf(file.size, at + random.nextInt(9)), file.size)
            }
        }
        return file
    }

    private fun pcm16(frames: Int, rate: Int): ByteArray {
        val file = ByteBuffer.allocate(44 + 2 * frames).order(ByteOrder.LITTLE_ENDIAN)
        file.put("RIFF".toByteArray()).putInt(36 + 2 * frames).put("WAVEfmt ".toByteArray()).putInt(16)
        file.putShort(1).putShort(1).putInt(rate).putInt(2 * rate).putShort(2).putShort(16)
        file.put("data".toByteArray()).putInt(2 * frames)
        repeat(frames) { file.putShort((it * 37).toShort()) }
        return file.array()
    }
}
