package kerasreparam.emotion.core

import kerasreparam.emotion.GoldenFile
import kotlin.math.PI
import kotlin.math.sin
import kotlin.math.sqrt
import org.junit.Assert.assertArrayEquals
import org.junit.Assert.assertEquals
import org.junit.Assert.assertTrue
import org.junit.Test

class ResamplerTest {
    @Test
    fun `equals librosa`() {
        val golden = GoldenFile("resampled.bin")
        var cases = 0
        while (golden.hasMore) {
            val (from, to) = golden.int() to golden.int()
            val sound = golden.floats()
            val expected = golden.floats()
            val resampled = Resampler(from, to).resample(sound)
            assertEquals("$from to $to", expected.size, resampled.size)
            // Where the sound begins and ends abruptly, filters differ by their length.
            val edge = expected.size / 5
            val error = difference(expected, resampled, edge)
            println("resampling $from to $to: rms error $error of rms ${rms(expected, edge)}")
            assertTrue("$from to $to: $error", error < 1e-3 * rms(expected, edge))
            cases++
        }
        assertEquals(6, cases)
    }

    @Test
    fun `the same rate changes nothing`() {
        val sound = FloatArray(100) { sin(it.toFloat()) }
        assertArrayEquals(sound, Resampler(16000, 16000).resample(sound), 0f)
    }

    @Test
    fun `any rate gives the sine of the new rate`() {
        for (from in listOf(7919, 12345, 44099, 96000, 192000)) {
            val sound = FloatArray(from / 10) { sin(2 * PI * 440 * it / from).toFloat() }
            val resampled = Resampler(from, 16000).resample(sound)
            assertEquals((sound.size * 16000 + from - 1) / from, resampled.size)
            val expected = FloatArray(resampled.size) { sin(2 * PI * 440 * it / 16000).toFloat() }
            val error = difference(expected, resampled, 400)
            assertTrue("$from: $error", error < 1e-5)
        }
    }

    private fun difference(a: FloatArray, b: FloatArray, edge: Int) =
        rms(FloatArray(a.size) { a[it] - b[it] }, edge)

    private fun rms(values: FloatArray, edge: Int): Double {
        val inner = values.copyOfRange(edge, values.size - edge)
        return sqrt(inner.sumOf { it.toDouble() * it } / inner.size)
    }
}
