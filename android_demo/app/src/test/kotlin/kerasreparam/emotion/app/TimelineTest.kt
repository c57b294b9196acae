package kerasreparam.emotion.app

import org.junit.Assert.assertEquals
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.RobolectricTestRunner

@RunWith(RobolectricTestRunner::class)
class TimelineTest {
    private val timeline = Timeline()

    private fun bands() = timeline.bands.map { Triple(it.from, it.to, it.kind) }

    @Test
    fun `a window adds what the one before did not hold`() {
        timeline.add(0.0, 4.0, 1)
        timeline.add(0.5, 4.5, 2)
        timeline.add(1.0, 5.0, 2)
        timeline.add(1.5, 5.5, Timeline.SILENCE)
        assertEquals(
            listOf(Triple(0.0, 4.0, 1), Triple(4.0, 5.0, 2), Triple(5.0, 5.5, Timeline.SILENCE)), bands(),
        )
        assertEquals(1.0, timeline.seconds(2), 0.0)
    }

    @Test
    fun `windows that were skipped leave no hole, unless nobody heard them`() {
        timeline.add(0.0, 4.0, 1)
        timeline.add(3.0, 7.0, 1)
        timeline.add(9.0, 13.0, 1)
        assertEquals(listOf(Triple(0.0, 7.0, 1), Triple(9.0, 13.0, 1)), bands())
    }

    @Test
    fun `a new recording goes on where the last one ended`() {
        timeline.beginRecording()
        timeline.add(0.0, 4.0, 1)
        timeline.beginRecording()
        timeline.add(4.0, 8.0, 1)
        assertEquals(listOf(Triple(0.0, 4.0, 1), Triple(4.0, 4.0, Timeline.BREAK), Triple(4.0, 8.0, 1)), bands())
    }

    @Test
    fun `more than a minute is not kept`() {
        for (i in 0 until 1000) timeline.add(0.5 * i, 4 + 0.5 * i, i % 3)
        assertEquals(120, timeline.bands.size)
        assertEquals(Timeline.SECONDS, (0..2).sumOf { timeline.seconds(it) }, 1e-9)
    }

    @Test
    fun `it is the same after process death`() {
        timeline.add(0.0, 4.0, 1)
        timeline.add(0.5, 4.5, Timeline.UNSURE)
        val before = bands()
        val saved = timeline.save()
        timeline.clear()
        timeline.restore(saved)
        assertEquals(before, bands())
        assertEquals(4.5, timeline.end, 0.0)
    }
}
