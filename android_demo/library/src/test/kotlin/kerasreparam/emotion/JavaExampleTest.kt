package kerasreparam.emotion

import org.junit.Assert.assertEquals
import org.junit.Test

class JavaExampleTest {
    @Test
    fun `Java gets the emotion of a clip`() {
        HostRuntime.load()
        val clip = Shipped.clips[0]
        val expected = Shipped.labels[clip.scores("int8").withIndex().maxBy { it.value }.index]
        assertEquals(expected, JavaExample.emotion(Shipped.model("int8"), clip.wav.samples, Shipped.sampleRate))
        assertEquals("silence", JavaExample.emotion(Shipped.model("int8"), FloatArray(16000), 16000))
    }
}
