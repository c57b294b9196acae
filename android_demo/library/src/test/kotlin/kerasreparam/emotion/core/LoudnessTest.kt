package kerasreparam.emotion.core

import kotlin.math.PI
import kotlin.math.sin
import org.junit.Assert.assertEquals
import org.junit.Test

class LoudnessTest {
    private val sine = FloatArray(16000) { (0.1 * sin(2 * PI * 100 * it / 16000)).toFloat() }

    @Test
    fun `a sine of amplitude a has 20 log10(a) - 3 decibels`() {
        assertEquals(-23.01f, Loudness.decibels(sine, sine.size), 0.01f)
    }

    @Test
    fun `a constant offset is no sound`() {
        val shifted = FloatArray(sine.size) { sine[it] + 0.8f }
        assertEquals(-23.01f, Loudness.decibels(shifted, sine.size), 0.01f)
        assertEquals(Float.NEGATIVE_INFINITY, Loudness.decibels(FloatArray(9) { 0.3f }, 9), 0f)
    }

    @Test
    fun `only the first samples count`() {
        assertEquals(Float.NEGATIVE_INFINITY, Loudness.decibels(floatArrayOf(0f, 0f, 1f), 2), 0f)
        assertEquals(Float.NEGATIVE_INFINITY, Loudness.decibels(FloatArray(0), 0), 0f)
    }
}
