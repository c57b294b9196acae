package kerasreparam.emotion.core

import kerasreparam.emotion.GoldenFile
import org.junit.Assert.assertEquals
import org.junit.Assert.assertTrue
import org.junit.Test

class SoundTest {
    @Test
    fun `equals Python`() {
        val golden = GoldenFile("sound.bin")
        var cases = 0
        while (golden.hasMore) {
            val rate = golden.int()
            val samples = golden.floats()
            val valid = golden.int()
            val decibels = golden.float()
            val loudest = golden.float()
            val sound = Sound.of(samples, samples.size, rate)
            assertEquals("case $cases", valid, sound.valid)
            assertEquals("case $cases", decibels, sound.decibels, 1e-3f)
            assertEquals("case $cases", loudest, sound.loudest, 1e-3f)
            assertTrue((0 until sound.first).all { samples[it] == 0f })
            assertTrue((sound.end until samples.size).all { samples[it] == 0f })
            cases++
        }
        assertEquals(7, cases)
    }

    @Test
    fun `what 16 bits round to zero is none`() {
        val half = 1f / 65536
        val sound = Sound.of(
            floatArrayOf(half, -half, 1.01f * half, half, 0.5f, -1.01f * half, -half, half), 8, 16000,
        )
        assertEquals(listOf(2, 6, 4), listOf(sound.first, sound.end, sound.valid))
    }

    @Test
    fun `only the first samples count`() {
        val sound = Sound.of(floatArrayOf(0f, 0.5f, 0.1f, 0f, 1f), 4, 16000)
        assertEquals(listOf(1, 3, 2), listOf(sound.first, sound.end, sound.valid))
        assertEquals(-13.98f, sound.decibels, 0.01f)
    }
}
