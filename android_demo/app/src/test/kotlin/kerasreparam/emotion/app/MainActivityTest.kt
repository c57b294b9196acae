package kerasreparam.emotion.app

import android.Manifest
import android.content.ContentResolver
import android.content.Intent
import android.graphics.Insets
import android.media.AudioRecord
import android.net.Uri
import android.provider.Settings.ACTION_APPLICATION_DETAILS_SETTINGS
import android.view.View
import android.view.WindowInsets
import android.widget.CompoundButton
import android.widget.RadioGroup
import android.widget.Spinner
import android.widget.TextView
import java.io.FileNotFoundException
import java.io.InputStream
import kerasreparam.emotion.GoldenFile
import kerasreparam.emotion.HostRuntime
import kerasreparam.emotion.Shipped
import kerasreparam.emotion.TfliteClassifier
import kerasreparam.emotion.app.Session.Phase
import org.junit.After
import org.junit.Assert.assertArrayEquals
import org.junit.Assert.assertEquals
import org.junit.Assert.assertFalse
import org.junit.Assert.assertNull
import org.junit.Assert.assertSame
import org.junit.Assert.assertTrue
import org.junit.Before
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.RobolectricTestRunner
import org.robolectric.RuntimeEnvironment
import org.robolectric.Shadows.shadowOf
import org.robolectric.annotation.Config
import org.robolectric.shadows.ShadowAudioRecord

/** The real activity with the real models; every case leaves its picture in target/screens. */
@RunWith(RobolectricTestRunner::class)
class MainActivityTest {
    private val open = ArrayList<Screen>()

    @Before
    fun loadRuntime() = HostRuntime.load()

    @After
    fun closeAll() {
        open.forEach { it.close() }
        ShadowAudioRecord.clearSource()
    }

    private fun screen() = Screen().also { open.add(it) }

    // The golden clip with the highest score of a class, as one whole window.
    private val clips = Shipped.clips.associateBy { clip ->
        Shipped.labels[clip.scores("int8").let { scores -> scores.indices.maxBy { scores[it] } }]
    }

    private fun window(label: String): FloatArray =
        clips.getValue(label).wav.samples.copyOf(Shipped.window)

    private fun Screen.assertSays(word: Int) = assertEquals(activity.getString(word), text(R.id.emotion))

    private fun Screen.assertNotice(notice: Notice?) {
        assertSame(notice, session.notice)
        assertEquals(notice != null, isShown(R.id.notice))
        if (notice != null) assertEquals(activity.getString(notice.text), text(R.id.notice_text))
    }

    @Test
    fun `before the first start it says what to do`() = screen().run {
        assertSays(R.string.ready)
        assertEquals(activity.getString(R.string.start), text(R.id.start_stop))
        assertTrue(isShown(R.id.open_file))
        shoot("ready")
    }

    @Test
    fun `the button asks, and listens when allowed`() = screen().run {
        press(R.id.start_stop)
        val asked = shadowOf(activity).lastRequestedPermission
        assertEquals(listOf(Manifest.permission.RECORD_AUDIO), asked.requestedPermissions.toList())
        assertSame(Phase.READY, session.phase)
        answerPermission(granted = true)
        assertSame(Phase.LISTENING, session.phase)
        assertSays(R.string.listening)
        assertNotice(null)
        assertTrue(activity.view<View>(R.id.root).keepScreenOn)
        shoot("listening")
    }

    @Test
    fun `speech is named with its score`() = screen().run {
        for ((label, clip) in clips) {
            start()
            speak(window(label))
            assertArrayEquals(clip.scores("int8"), session.moment!!.scores, Shipped.tolerance("int8"))
            assertEquals(ClassNames.names(activity, listOf(label))[0], text(R.id.emotion))
            shoot("speech-$label")
            press(R.id.start_stop)
        }
        assertEquals(activity.getString(R.string.caption_last), text(R.id.now_caption))
        assertTrue(activity.view<View>(R.id.timeline).contentDescription.contains("Anger"))
    }

    @Test
    fun `a conversation fills the timeline`() = screen().run {
        start()
        val silence = FloatArray(4 * Shipped.sampleRate) { if (it % 2 == 0) 1e-4f else -1e-4f }
        for (label in clips.keys) {
            speak(window(label))
            speak(window(label))
            speak(silence)
        }
        // Without the zeros of a window: of those the app says that the microphone is mute.
        speak(clips.getValue("anger").wav.samples)
        assertTrue(session.timeline.seconds(Timeline.SILENCE) > 0)
        assertEquals(0, session.skippedWindows)
        shoot("conversation")
        press(R.id.start_stop)
        assertSame(Phase.READY, session.phase)
        shoot("conversation-stopped")
    }

    @Test
    fun `when the model is slower than the sound, it says what is left out`() = screen().run {
        start()
        // A minute at once: nobody can listen that fast.
        repeat(15) { microphone.say(window("anger")) }
        waitFor { session.skippedWindows > 1 && session.timeline.end > 59 }
        val words = activity.resources
            .getQuantityString(R.plurals.skipped, session.skippedWindows, session.skippedWindows)
        assertEquals(words, text(R.id.now_detail))
        assertSame(Phase.LISTENING, session.phase)
        shoot("too-slow")
    }

    @Test
    fun `silence is silence`() = screen().run {
        start()
        speak(FloatArray(Shipped.window) { if (it % 2 == 0) 1e-4f else -1e-4f })
        assertSays(R.string.silence)
        assertEquals(activity.getString(R.string.detail_silence), text(R.id.now_detail))
        shoot("silence")
    }

    @Test
    fun `between two emotions it is unsure`() = screen().run {
        start()
        speak(leastClear())
        assertSays(R.string.unsure)
        assertEquals(activity.getString(R.string.detail_unsure), text(R.id.now_detail))
        shoot("unsure")
    }

    /** Half of one clip and half of another: of all pairs the one that the model finds hardest. */
    private fun leastClear(): FloatArray = TfliteClassifier(Shipped.model("int8")).use { classifier ->
        val windows = Shipped.clips.map { it.wav.samples.copyOf(Shipped.window) }
        val scores = FloatArray(Shipped.labels.size)
        val half = Shipped.window / 2
        windows.flatMap { first -> windows.map { first.copyOf(half) + it.copyOf(half) } }.minBy {
            classifier.classify(it, scores)
            scores.max()
        }
    }

    @Test
    fun `a microphone that gives only zeros is explained, until it gives sound`() = screen().run {
        start()
        microphone.say(FloatArray(3 * Shipped.sampleRate))
        waitFor { session.notice == Notice.MICROPHONE_MUTED }
        assertNotice(Notice.MICROPHONE_MUTED)
        shoot("muted")
        microphone.say(window("anger").copyOf(Shipped.sampleRate))
        waitFor { session.notice == null }
        assertSame(Phase.LISTENING, session.phase)
    }

    @Test
    fun `refused, it explains and asks again`() = screen().run {
        press(R.id.start_stop)
        shadowOf(activity.packageManager)
            .setShouldShowRequestPermissionRationale(Manifest.permission.RECORD_AUDIO, true)
        answerPermission(granted = false)
        assertNotice(Notice.PERMISSION_REFUSED)
        assertFalse(isShown(R.id.notice_settings))
        shoot("refused")
        press(R.id.start_stop)
        answerPermission(granted = true)
        assertSame(Phase.LISTENING, session.phase)
    }

    @Test
    fun `refused for ever, it shows the way to the settings`() = screen().run {
        press(R.id.start_stop)
        answerPermission(granted = false)
        assertNotice(Notice.PERMISSION_REFUSED_FOR_EVER)
        shoot("refused-for-ever")
        press(R.id.notice_settings)
        val intent = generateSequence { shadowOf(activity).nextStartedActivity }
            .first { it.action == ACTION_APPLICATION_DETAILS_SETTINGS }
        assertEquals(Uri.parse("package:${activity.packageName}"), intent.data)
    }

    @Test
    fun `every error of the microphone ends listening, and it can be started again`() = screen().run {
        val codes = listOf(
            AudioRecord.ERROR, AudioRecord.ERROR_BAD_VALUE, AudioRecord.ERROR_INVALID_OPERATION,
            AudioRecord.ERROR_DEAD_OBJECT, 0,
        )
        for (code in codes) {
            microphone.error = null
            start()
            speak(window("anger"))
            microphone.error = code
            waitFor { session.phase == Phase.READY }
            assertNotice(Notice.MICROPHONE_LOST)
        }
        shoot("microphone-lost")
        microphone.error = null
        start()
        speak(window("sadness"))
        assertSays(R.string.class_sadness)
        assertNotice(null)
    }

    @Test
    @Config(shadows = [BrokenAudioRecord::class])
    fun `a microphone that cannot be opened is explained`() = screen().run {
        start()
        waitFor { session.phase == Phase.READY }
        assertNotice(Notice.MICROPHONE_BUSY)
        shoot("microphone-busy")
    }

    @Test
    fun `a rotation does not interrupt listening`() = screen().run {
        start()
        speak(window("anger"))
        val before = session
        val activityBefore = activity
        rotate()
        assertTrue(activity !== activityBefore)
        assertSame(before, session)
        assertSame(Phase.LISTENING, session.phase)
        speak(window("anger").copyOf(Shipped.sampleRate / 2))
        assertEquals(4.5, session.timeline.end, 0.02)
        assertEquals("bars restored by id show the same value", 4, bars().toSet().size)
        shoot("rotated")
    }

    private fun Screen.bars() =
        Screen.all(activity.view<ClassBars>(R.id.bars)).filterIsInstance<BarView>()
            .filter { it.isShown }.map { it.fraction }

    @Test
    fun `in the background the microphone is off`() = screen().run {
        start()
        speak(window("anger"))
        leave()
        assertSame(Phase.READY, session.phase)
        waitFor { System.nanoTime() - microphone.lastRead > 1_000_000_000 }
        comeBack()
        assertNotice(Notice.LEFT)
        shoot("back-again")
        start()
        speak(window("anger"))
        assertEquals(8.0, session.timeline.end, 0.02)
    }

    @Test
    fun `process death keeps the timeline`() {
        val first = Screen()
        first.start()
        first.speak(window("anger"))
        val kinds = first.session.timeline.bands.map { it.kind }
        val saved = first.die()
        val second = Screen(saved).also { open.add(it) }
        assertEquals(kinds, second.session.timeline.bands.map { it.kind })
        assertEquals(4.0, second.session.timeline.end, 0.02)
        second.assertSays(R.string.class_anger)
        second.assertNotice(Notice.LEFT)
        second.shoot("after-process-death")
        second.start()
        second.speak(window("anger"))
        assertEquals(8.0, second.session.timeline.end, 0.02)
    }

    @Test
    fun `models are switched while listening, with size and latency beside each other`() = screen().run {
        val models = activity.view<RadioGroup>(R.id.models)
        assertEquals(listOf("int8", "float32"), session.models.map { it.name })
        for ((i, model) in session.models.withIndex()) {
            val size = "${Math.round(Shipped.bytes(model.name).size / 1000.0)} kB"
            val words = (models.getChildAt(i) as TextView).text
            assertTrue("$words", Regex("${model.name}\n$size\n\\d+\\.\\d ms").matches(words))
        }
        press(R.id.smoothing)
        start()
        speak(window("happiness"))
        models.getChildAt(1)!!.performClick()
        Screen.idle()
        assertEquals("float32", session.chosen!!.name)
        assertSame(Phase.LISTENING, session.phase)
        shoot("float32")
        press(R.id.start_stop)
        start()
        speak(window("happiness"))
        val expected = clips.getValue("happiness").scores("float32")
        assertArrayEquals(expected, session.moment!!.scores, Shipped.tolerance("float32") + QUANTIZED)
    }

    @Test
    fun `settings are taken over while listening, and kept`() {
        screen().run {
            start()
            speak(window("anger"))
            activity.view<Spinner>(R.id.hop).setSelection(2)
            waitFor { session.settings.hopSeconds == 1f }
            press(R.id.smoothing)
            assertSame(Phase.LISTENING, session.phase)
            assertFalse(session.settings.smoothing)
        }
        screen().run {
            assertEquals(1f, session.settings.hopSeconds)
            assertFalse(activity.view<CompoundButton>(R.id.smoothing).isChecked)
        }
    }

    @Test
    fun `a WAV file is classified, with its timeline`() = screen().run {
        val clip = clips.getValue("anger")
        pick(provide("angry.wav") { clip.file.inputStream() })
        assertSays(R.string.class_anger)
        assertEquals(activity.getString(R.string.caption_file, "angry.wav"), text(R.id.now_caption))
        assertArrayEquals(clip.scores("int8"), session.moment!!.scores, Shipped.tolerance("int8"))
        assertEquals(clip.wav.samples.size.toDouble() / Shipped.sampleRate, session.timeline.end, 0.01)
        assertNotice(null)
        shoot("file")
    }

    @Test
    fun `files that cannot be used are explained`() = screen().run {
        pick(provide("notes.wav") { "not a sound".byteInputStream() })
        assertNotice(Notice.FILE_NOT_WAV)
        shoot("file-bad")
        pick(provide("gone.wav") { throw FileNotFoundException() })
        assertNotice(Notice.FILE_NOT_OPENED)
        val header = clips.getValue("anger").file.readBytes().copyOf(44 + 100)
        pick(provide("short.wav") { header.inputStream() })
        assertNotice(Notice.FILE_NO_SOUND)
        assertSays(R.string.ready)
    }

    private fun provide(name: String, content: () -> InputStream): Uri {
        val uri = Uri.parse("content://files/$name")
        val resolver: ContentResolver = RuntimeEnvironment.getApplication().contentResolver
        shadowOf(resolver).registerInputStreamSupplier(uri, content)
        return uri
    }

    @Test
    fun `opening a file ends listening`() = screen().run {
        start()
        speak(window("anger"))
        pick(provide("sad.wav") { clips.getValue("sadness").file.inputStream() })
        assertSays(R.string.class_sadness)
        assertSame(Phase.READY, session.phase)
    }

    @Test
    fun `large text`() {
        RuntimeEnvironment.setFontScale(2f)
        inWords("large-text")
    }

    @Test
    @Config(qualifiers = "+de")
    fun `large text in German on a small phone`() {
        RuntimeEnvironment.setQualifiers("+w320dp-h569dp")
        RuntimeEnvironment.setFontScale(2f)
        inWords("large-text-german-small")
    }

    @Test
    @Config(qualifiers = "+night")
    fun dark() = inWords("dark")

    @Test
    @Config(qualifiers = "w891dp-h411dp-land-xhdpi")
    fun landscape() = inWords("landscape")

    @Test
    @Config(qualifiers = "w891dp-h411dp-land-night-xhdpi")
    fun `landscape with large text in the dark`() {
        RuntimeEnvironment.setFontScale(2f)
        inWords("landscape-large-text-dark")
    }

    @Test
    @Config(qualifiers = "de-w411dp-h891dp-xhdpi")
    fun german() = inWords("german")

    /** Speech, then a picture, then a look for words that do not fit. */
    private fun inWords(name: String) = screen().run {
        start()
        speak(window("sadness"))
        shoot(name)
        assertWordsFit()
    }

    private fun Screen.assertWordsFit() {
        for (view in Screen.all(activity.window.decorView).filterIsInstance<TextView>()) {
            if (!view.isShown || view.layout == null || view.id == R.id.now_caption) continue
            val words = view.text.toString()
            for (line in 0 until view.layout.lineCount) {
                assertEquals(words, 0, view.layout.getEllipsisCount(line))
            }
            val room = view.height - view.compoundPaddingTop - view.compoundPaddingBottom
            assertTrue("cut off below: $words", view.layout.height <= room)
            assertFalse("broken inside a word: $words", breaksWords(view))
        }
    }

    private fun breaksWords(view: TextView): Boolean {
        val text = view.text
        return (0 until view.layout.lineCount - 1).any {
            val end = view.layout.getLineEnd(it)
            text[end - 1].isLetter() && text[end].isLetter()
        }
    }

    @Test
    @Config(application = AgeApp::class)
    fun `a value stands with its unit and range, in place of bars`() = screen().run {
        start()
        speak(noise())
        assertEquals("24.9 years", text(R.id.emotion))
        assertEquals("age, of 18.0 to 60.0", text(R.id.now_detail))
        assertEquals(listOf("age", "24.9 years", "of 18.0 to 60.0"), wordsOf(R.id.bars))
        assertTrue(bars().isEmpty())
        assertFalse(isShown(R.id.timeline))
        assertEquals(
            View.ACCESSIBILITY_LIVE_REGION_NONE,
            activity.view<View>(R.id.emotion).accessibilityLiveRegion,
        )
        shoot("value")
    }

    @Test
    @Config(application = AffectApp::class, qualifiers = "+de")
    fun `several values, large, in German on a small phone`() {
        RuntimeEnvironment.setQualifiers("+w320dp-h569dp")
        RuntimeEnvironment.setFontScale(2f)
        screen().run {
            start()
            speak(noise())
            assertEquals("valence 0,17\narousal 0,46", text(R.id.emotion))
            assertEquals("von -1,00 bis 1,00", text(R.id.now_detail))
            shoot("values-large-text-german-small")
            assertWordsFit()
            rotate()
            assertEquals("valence 0,17\narousal 0,46", text(R.id.emotion))
        }
    }

    /** One window of the models of values: Python's scores of it are in scores.bin. */
    private fun noise() = GoldenFile("scores.bin").run {
        int()
        floats()
    }

    private fun Screen.wordsOf(id: Int) =
        Screen.all(activity.view<View>(id)).filterIsInstance<TextView>().map { it.text.toString() }

    @Test
    fun `TalkBack finds words for everything that can be touched`() = screen().run {
        start()
        speak(window("anger"))
        for (view in Screen.all(activity.window.decorView)) {
            if (!view.isShown || !(view.isClickable || view.isFocusable)) continue
            if (view.importantForAccessibility == View.IMPORTANT_FOR_ACCESSIBILITY_NO) continue
            if (view.id == R.id.scroll || view is Spinner || view is android.widget.ScrollView) continue
            val words = view.contentDescription ?: (view as? TextView)?.text
            assertFalse("$view", words.isNullOrBlank())
            val side = minOf(view.width, view.height) / view.resources.displayMetrics.density
            if (view.isClickable) assertTrue("$view is $side dp", side >= 48)
        }
        assertEquals(
            View.ACCESSIBILITY_LIVE_REGION_POLITE,
            activity.view<View>(R.id.emotion).accessibilityLiveRegion,
        )
        assertTrue(activity.view<View>(R.id.timeline).contentDescription.contains("Anger 4 seconds"))
    }

    @Test
    fun `nothing lies under the system's bars`() = screen().run {
        val root = activity.view<View>(R.id.root)
        root.dispatchApplyWindowInsets(
            WindowInsets.Builder()
                .setInsets(WindowInsets.Type.statusBars(), Insets.of(0, 50, 0, 0))
                .setInsets(WindowInsets.Type.navigationBars(), Insets.of(0, 0, 0, 60))
                .setInsets(WindowInsets.Type.displayCutout(), Insets.of(70, 0, 0, 0))
                .build(),
        )
        assertEquals(
            listOf(70, 50, 0, 60),
            listOf(root.paddingLeft, root.paddingTop, root.paddingRight, root.paddingBottom),
        )
    }

    @Test
    fun `the one permission, and the page behind the button`() = screen().run {
        val info = activity.packageManager.getPackageInfo(
            activity.packageName, android.content.pm.PackageManager.GET_PERMISSIONS,
        )
        assertEquals(listOf(Manifest.permission.RECORD_AUDIO), info.requestedPermissions!!.toList())
        press(R.id.about)
        val intent: Intent? = shadowOf(activity).nextStartedActivity
        assertEquals(AboutActivity::class.java.name, intent!!.component!!.className)
        assertNull(session.notice)
    }

    private companion object {
        // A microphone's 16 bits, which cut where the clip's own do not.
        const val QUANTIZED = 1e-3f
    }
}
