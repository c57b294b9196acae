package kerasreparam.emotion

import android.app.Activity
import android.os.Bundle
import android.widget.TextView

/** The README's example, which ReadmeTest compares with it. */
class ReadmeExample : Activity(), EmotionListener {
    private lateinit var view: TextView

    // example
    private val recognizer by lazy {
        val options = EmotionOptions.Builder().executor { runOnUiThread(it) }.build()
        EmotionRecognizer(this, "ser_int8.tflite", options)
    }

    fun onButton() = recognizer.start(this) // RECORD_AUDIO must be granted by now
    override fun onResult(result: EmotionResult) { view.text = result.label ?: "…" }
    override fun onError(error: EmotionException) { view.text = error.message }
    override fun onPause() { super.onPause(); recognizer.stop() }
    override fun onDestroy() { super.onDestroy(); recognizer.close() }
    // end

    override fun onCreate(state: Bundle?) {
        super.onCreate(state)
        view = TextView(this)
        setContentView(view)
    }
}
