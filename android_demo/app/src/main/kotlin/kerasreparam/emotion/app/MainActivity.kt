package kerasreparam.emotion.app

import android.Manifest.permission.RECORD_AUDIO
import android.app.Activity
import android.content.pm.PackageManager.PERMISSION_GRANTED
import android.os.Bundle
import android.widget.Button
import android.widget.TextView
import kerasreparam.emotion.EmotionException
import kerasreparam.emotion.EmotionListener
import kerasreparam.emotion.EmotionOptions
import kerasreparam.emotion.EmotionRecognizer
import kerasreparam.emotion.EmotionResult
import kotlin.math.roundToInt

/** Start, stop, and the emotion now. */
class MainActivity : Activity(), EmotionListener {
    private lateinit var emotion: TextView
    private lateinit var toggle: Button
    private lateinit var recognizer: EmotionRecognizer

    override fun onCreate(state: Bundle?) {
        super.onCreate(state)
        setContentView(R.layout.main)
        emotion = findViewById(R.id.emotion)!!
        toggle = findViewById(R.id.toggle)!!
        val options = EmotionOptions.Builder().executor { runOnUiThread(it) }.build()
        recognizer = EmotionRecognizer(this, MODEL, options)
        toggle.setOnClickListener { if (recognizer.isListening) stop() else startIfAllowed() }
    }

    override fun onPause() {
        super.onPause()
        stop()
    }

    override fun onDestroy() {
        super.onDestroy()
        recognizer.close()
    }

    override fun onResult(result: EmotionResult) {
        emotion.text = when (result.state) {
            EmotionResult.State.SILENCE -> getString(R.string.silence)
            EmotionResult.State.UNSURE -> getString(R.string.unsure)
            EmotionResult.State.EMOTION -> {
                val percent = (100 * result.scores[result.top]).roundToInt()
                getString(R.string.result, result.label, percent)
            }
        }
    }

    override fun onError(error: EmotionException) {
        emotion.text = error.message
        toggle.setText(R.string.start)
    }

    override fun onRequestPermissionsResult(
        request: Int,
        permissions: Array<out String>,
        results: IntArray,
    ) {
        if (results.singleOrNull() == PERMISSION_GRANTED) start() else emotion.setText(R.string.refused)
    }

    private fun startIfAllowed() {
        if (checkSelfPermission(RECORD_AUDIO) == PERMISSION_GRANTED) {
            start()
        } else {
            requestPermissions(arrayOf(RECORD_AUDIO), 0)
        }
    }

    private fun start() {
        recognizer.start(this)
        toggle.setText(R.string.stop)
        emotion.setText(R.string.listening)
    }

    private fun stop() {
        recognizer.stop()
        toggle.setText(R.string.start)
    }

    private companion object {
        const val MODEL = "ser_int8.tflite"
    }
}
