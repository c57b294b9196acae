package kerasreparam.emotion.app

import org.junit.Assert.assertEquals
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.RobolectricTestRunner
import org.robolectric.RuntimeEnvironment
import org.robolectric.annotation.Config

@RunWith(RobolectricTestRunner::class)
class ClassNamesTest {
    private val context = RuntimeEnvironment.getApplication()

    @Test
    @Config(qualifiers = "+de")
    fun `labels are translated where they are known`() {
        val names = ClassNames.names(context, listOf("ang", "Happiness", "excited"))
        assertEquals(listOf("Ärger", "Freude", "excited"), names)
    }

    @Test
    fun `every class has a colour of its own, a known one always the same`() {
        val labels = listOf("x", "hap", "happiness", "anger", "y", "z", "neutral", "sadness")
        val colours = ClassNames.colours(context, labels)
        assertEquals(8, colours.toSet().size)
        assertEquals(context.getColor(R.color.class_0), colours[3])
        assertEquals(context.getColor(R.color.class_1), colours[1])
        assertEquals(12, ClassNames.colours(context, List(12) { "label $it" }).size)
    }
}
