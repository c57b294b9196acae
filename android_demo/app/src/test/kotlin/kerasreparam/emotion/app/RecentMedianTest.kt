package kerasreparam.emotion.app

import org.junit.Assert.assertEquals
import org.junit.Assert.assertNull
import org.junit.Test

class RecentMedianTest {
    @Test
    fun `it is the median of the last values`() {
        val median = RecentMedian(size = 3)
        assertNull(median.value)
        val medians = listOf(5.0, 1.0, 3.0, 100.0, 2.0).map {
            median.add(it)
            median.value
        }
        assertEquals(listOf(5.0, 5.0, 3.0, 3.0, 3.0), medians)
    }
}
