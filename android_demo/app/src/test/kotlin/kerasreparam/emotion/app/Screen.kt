package kerasreparam.emotion.app

import android.Manifest
import android.app.Activity
import android.app.Application
import android.content.Intent
import android.content.pm.PackageManager
import android.graphics.Bitmap
import android.graphics.Canvas
import android.net.Uri
import android.os.Bundle
import android.os.Looper
import android.os.Parcel
import android.view.View
import android.view.ViewGroup
import android.widget.TextView
import java.io.File
import java.time.Duration
import org.robolectric.Robolectric
import org.robolectric.RuntimeEnvironment
import org.robolectric.Shadows.shadowOf
import org.robolectric.android.controller.ActivityController

/** The real activity, with fingers to press and eyes to look at it. */
internal class Screen(saved: Bundle? = null) {
    private val controller: ActivityController<MainActivity> =
        Robolectric.buildActivity(MainActivity::class.java).run { if (saved == null) setup() else setup(saved) }

    val activity: MainActivity get() = controller.get()
    val session: Session get() = activity.session
    val microphone = FakeMicrophone()
    private var begin = 0.0
    private var said = 0

    init {
        waitFor { session.models.isNotEmpty() && session.models.all { it.latency.value != null } }
    }

    fun text(id: Int): String = activity.view<TextView>(id).text.toString()

    fun isShown(id: Int): Boolean = activity.view<View>(id).isShown

    fun press(id: Int) {
        val view = activity.view<View>(id)
        check(view.isShown && view.isEnabled && view.isClickable)
        view.performClick()
        idle()
    }

    /** Presses the button with the permission given. */
    fun start() {
        val application = activity.application as Application
        shadowOf(application).grantPermissions(Manifest.permission.RECORD_AUDIO)
        // What is said now is not for the recorder that is just ending.
        waitFor { Thread.getAllStackTraces().keys.none { it.name == "emotion-recorder" } }
        begin = session.timeline.end
        said = 0
        press(R.id.start_stop)
    }

    fun answerPermission(granted: Boolean) {
        val answer =
            if (granted) PackageManager.PERMISSION_GRANTED else PackageManager.PERMISSION_DENIED
        activity.onRequestPermissionsResult(
            MainActivity.ASK_MICROPHONE, arrayOf(Manifest.permission.RECORD_AUDIO), intArrayOf(answer),
        )
        idle()
    }

    /** Speaks into the microphone, no faster than the model listens. */
    fun speak(samples: FloatArray) {
        val model = session.model!!
        val hop = (session.settings.hopSeconds * model.sampleRate).toInt()
        var at = 0
        while (at < samples.size) {
            // Up to the end of the next window.
            val next = if (said < model.window) model.window else said + hop - (said - model.window) % hop
            val count = minOf(next - said, samples.size - at)
            microphone.say(samples.copyOfRange(at, at + count))
            said += count
            at += count
            if (said == next) {
                val end = begin + said.toDouble() / model.sampleRate
                waitFor { session.timeline.end >= end - TOLERANCE }
            }
        }
    }

    fun pick(file: Uri) {
        press(R.id.open_file)
        val asked = shadowOf(activity).nextStartedActivityForResult
        shadowOf(activity).receiveResult(asked.intent, Activity.RESULT_OK, Intent().setData(file))
        waitFor { session.phase == Session.Phase.READY }
    }

    fun rotate() {
        RuntimeEnvironment.setQualifiers("+land")
        controller.configurationChange().visible()
        idle()
    }

    fun leave() {
        controller.pause().stop()
        idle()
    }

    fun comeBack() {
        controller.restart().start().resume()
        idle()
    }

    /** The process ends; what Android keeps of it, in the form in which it keeps it. */
    fun die(): Bundle {
        val saved = Bundle()
        controller.pause().stop().saveInstanceState(saved).destroy()
        val parcel = Parcel.obtain()
        parcel.writeBundle(saved)
        parcel.setDataPosition(0)
        return parcel.readBundle(javaClass.classLoader)!!.also { parcel.recycle() }
    }

    fun close() {
        controller.pause().stop().destroy()
    }

    fun waitFor(condition: () -> Boolean) = Companion.waitFor(
        condition, { "${session.phase} ${session.notice} ${session.timeline.end}" },
    )

    fun shoot(name: String) = shoot(activity, name)

    companion object {
        private const val TOLERANCE = 0.01
        private const val PATIENCE_NANOS = 60_000_000_000

        fun idle() = shadowOf(Looper.getMainLooper()).idleFor(Duration.ofMillis(50))

        fun waitFor(condition: () -> Boolean, state: () -> String) {
            val deadline = System.nanoTime() + PATIENCE_NANOS
            while (true) {
                idle()
                if (condition()) return
                check(System.nanoTime() < deadline) { "nothing more happened: ${state()}" }
                Thread.sleep(2)
            }
        }

        /** Two pictures: what is seen, and the scrolled content as a whole. */
        fun shoot(activity: Activity, name: String) {
            idle()
            save(activity.window.decorView, activity, name)
            val scrolled = activity.findViewById<ViewGroup>(R.id.scroll)?.getChildAt(0) ?: return
            if (scrolled.height > activity.window.decorView.height) save(scrolled, activity, "$name-whole")
        }

        private fun save(view: View, activity: Activity, name: String) {
            val bitmap = Bitmap.createBitmap(view.width, view.height, Bitmap.Config.ARGB_8888)
            bitmap.eraseColor(activity.getColor(R.color.background))
            view.draw(Canvas(bitmap))
            val folder = File(System.getProperty("screens.dir")).apply { mkdirs() }
            File(folder, "$name.png").outputStream().use {
                check(bitmap.compress(Bitmap.CompressFormat.PNG, 100, it))
            }
        }

        fun all(view: View): List<View> =
            listOf(view) + (view as? ViewGroup)?.let { group ->
                (0 until group.childCount).flatMap { all(group.getChildAt(it)!!) }
            }.orEmpty()
    }
}
