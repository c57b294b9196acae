package kerasreparam.emotion.core

import kotlin.math.pow
import kotlin.random.Random
import org.junit.Assert.assertArrayEquals
import org.junit.Assert.assertEquals
import org.junit.Test

class SmootherTest {
    @Test
    fun `scores are the weighted sum of all before`() {
        val random = Random(1)
        val weight = 0.7f
        val smoother = Smoother(3, weight)
        val all = List(30) { FloatArray(3) { random.nextFloat() } }
        all.forEachIndexed { n, scores ->
            val smooth = scores.copyOf().also { smoother.smooth(it) }
            // Closed form of the recursion.
            val expected = FloatArray(3) { c ->
                var sum = weight.toDouble().pow(n) * all[0][c]
                for (k in 1..n) sum += (1 - weight) * weight.toDouble().pow(n - k) * all[k][c]
                sum.toFloat()
            }
            assertArrayEquals(expected, smooth, 1e-5f)
        }
    }

    @Test
    fun `probabilities stay probabilities`() {
        val smoother = Smoother(2, 0.9f)
        repeat(100) {
            val scores = floatArrayOf(it % 2f, 1 - it % 2f)
            smoother.smooth(scores)
            assertEquals(1f, scores.sum(), 1e-5f)
        }
    }

    @Test
    fun `without weight nothing changes, and after a reset nothing remains`() {
        val off = Smoother(1, 0f)
        for (value in listOf(0.1f, 0.9f)) {
            assertEquals(value, floatArrayOf(value).also { off.smooth(it) }[0], 0f)
        }
        val smoother = Smoother(1, 0.9f)
        smoother.smooth(floatArrayOf(1f))
        smoother.reset()
        assertEquals(0.2f, floatArrayOf(0.2f).also { smoother.smooth(it) }[0], 0f)
    }
}
