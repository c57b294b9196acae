package kerasreparam.emotion

import org.junit.Assert.assertEquals
import org.junit.Test

class JavaExampleTest {
    @Test
    fun `Java gets the emotion of a clip`() {
        HostRuntime.load()
        val clip = Shipped.clips[3].wav
        assertEquals("sadness", JavaExample.emotion(Shipped.model("int8"), clip.samples, clip.sampleRate))
        assertEquals("silence", JavaExample.emotion(Shipped.model("int8"), FloatArray(16000), 16000))
    }
}
