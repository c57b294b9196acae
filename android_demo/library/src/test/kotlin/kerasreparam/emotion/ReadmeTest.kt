package kerasreparam.emotion

import java.io.File
import org.junit.Assert.assertEquals
import org.junit.Test

class ReadmeTest {
    @Test
    fun `the README's example is the one that is compiled`() {
        val readme = File("../README.md").readText()
        val source = File("src/test/kotlin/kerasreparam/emotion/ReadmeExample.kt").readText()
        val example = source.substringAfter("// example\n").substringBefore("    // end").trimIndent()
        assertEquals(example.trim(), readme.substringAfter("```kotlin\n").substringBefore("```").trim())
    }
}
