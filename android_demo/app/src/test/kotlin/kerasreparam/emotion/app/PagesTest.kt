package kerasreparam.emotion.app

import android.app.Activity
import android.content.Intent
import android.view.View
import android.widget.ListView
import org.junit.Assert.assertEquals
import org.junit.Assert.assertTrue
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.Robolectric
import org.robolectric.RobolectricTestRunner
import org.robolectric.RuntimeEnvironment
import org.robolectric.Shadows.shadowOf
import org.robolectric.annotation.Config

@RunWith(RobolectricTestRunner::class)
class PagesTest {
    private fun <T : Activity> open(type: Class<T>): T = Robolectric.buildActivity(type).setup().get()

    @Test
    fun `how it works, with a link to the paper`() {
        val page = open(AboutActivity::class.java)
        Screen.shoot(page, "about")
        page.view<View>(R.id.paper).performClick()
        val paper = shadowOf(page).nextStartedActivity
        assertEquals(Intent.ACTION_VIEW, paper.action)
        assertEquals("https://arxiv.org/abs/2411.09339", paper.dataString)
        page.view<View>(R.id.notices).performClick()
        assertEquals(
            NoticesActivity::class.java.name, shadowOf(page).nextStartedActivity.component!!.className,
        )
        page.view<View>(R.id.back).performClick()
        assertTrue(page.isFinishing)
    }

    @Test
    @Config(qualifiers = "de-w411dp-h891dp-night-xhdpi")
    fun `how it works, in German, dark, large`() {
        RuntimeEnvironment.setFontScale(2f)
        Screen.shoot(open(AboutActivity::class.java), "about-german-dark-large-text")
    }

    @Test
    fun `licenses of everything inside`() {
        val page = open(NoticesActivity::class.java)
        Screen.shoot(page, "notices")
        val list = page.view<ListView>(R.id.paragraphs)
        val text = (0 until list.adapter.count).joinToString("\n") { list.adapter.getItem(it).toString() }
        for (name in listOf("Kotlin", "TensorFlow", "XNNPACK", "Eigen", "EmoDB", "CREMA-D", "Apache License", "MIT license")) {
            assertTrue(name, text.contains(name))
        }
    }
}
