package kerasreparam.emotion.core

import kotlin.random.Random
import org.junit.Assert.assertArrayEquals
import org.junit.Assert.assertEquals
import org.junit.Assert.assertThrows
import org.junit.Assert.assertTrue
import org.junit.Test

class WindowBufferTest {
    /** The same by lists: all samples are kept, and windows are cut from them. */
    private class Reference(private val window: Int, private val hop: Int) {
        private val samples = ArrayList<Float>()
        private var nextStart = 0

        fun write(chunk: List<Float>) = samples.addAll(chunk)

        /** Skipped windows, end and samples of the newest window that was not taken. */
        fun take(): Triple<Int, Long, List<Float>>? {
            val starts = generateSequence(nextStart) { it + hop }
                .takeWhile { it + window <= samples.size }.toList()
            if (starts.isEmpty()) return null
            val start = starts.last()
            nextStart = start + hop
            return Triple(starts.size - 1, (start + window).toLong(), samples.subList(start, start + window))
        }
    }

    @Test
    fun `windows equal those of a plain reference for any sizes of chunks`() {
        for (seed in 0 until 500) {
            val random = Random(seed)
            val window = random.nextInt(1, 40)
            val hop = random.nextInt(1, window + 1)
            val longest = random.nextInt(1, 4 * window + 2)
            val buffer = WindowBuffer(window, hop)
            val reference = Reference(window, hop)
            val into = FloatArray(window)
            var next = 0
            repeat(60) {
                val chunk = List(random.nextInt(0, longest + 1)) { (next++).toFloat() }
                // Samples after the count are not part of the chunk.
                buffer.write(chunk.toFloatArray() + FloatArray(random.nextInt(3)) { -1f }, chunk.size)
                reference.write(chunk)
                repeat(random.nextInt(0, 3)) {
                    val expected = reference.take()
                    assertEquals("seed $seed", expected != null, buffer.ready)
                    assertEquals("seed $seed", expected?.first ?: -1, buffer.take(into))
                    if (expected != null) {
                        assertEquals("seed $seed", expected.second, buffer.takenEnd)
                        assertArrayEquals("seed $seed", expected.third.toFloatArray(), into, 0f)
                    }
                }
            }
        }
    }

    @Test
    fun `neighbouring windows share all but a hop`() {
        val buffer = WindowBuffer(window = 8, hop = 2)
        val windows = ArrayList<FloatArray>()
        for (i in 0 until 20) {
            buffer.write(floatArrayOf(i.toFloat()), 1)
            val into = FloatArray(8)
            if (buffer.take(into) == 0) windows.add(into)
        }
        assertEquals(7, windows.size)
        for ((first, second) in windows.zipWithNext()) {
            assertArrayEquals(first.copyOfRange(2, 8), second.copyOfRange(0, 6), 0f)
        }
    }

    @Test
    fun `a hop longer than the window is refused`() {
        val error = assertThrows(IllegalArgumentException::class.java) { WindowBuffer(4, 5) }
        assertTrue(error.message!!.contains("Received: 5"))
    }
}
