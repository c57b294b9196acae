package kerasreparam.emotion

import java.io.File
import org.junit.Assert.assertEquals
import org.junit.Assert.assertTrue
import org.junit.Test

class AndroidUseTest {
    @Test
    fun `the core knows nothing of Android`() {
        val folder = File(EmotionRecognizer::class.java.protectionDomain.codeSource.location.toURI())
        assertTrue(folder.isDirectory)
        val users = folder.walk().filter { it.extension == "class" }
            .filter { String(it.readBytes(), Charsets.ISO_8859_1).contains("android/") }
            .map { it.nameWithoutExtension }.toSet()
        assertEquals(setOf("MicRecorder", "EmotionRecognizer", "EmotionRecognizer\$Companion"), users)
    }
}
