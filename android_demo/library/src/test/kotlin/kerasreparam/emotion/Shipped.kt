package kerasreparam.emotion

import java.io.File
import java.nio.ByteBuffer
import java.nio.ByteOrder
import org.json.JSONArray
import org.json.JSONObject

/** The shipped model, as both files, and its golden vectors. */
object Shipped {
    val kinds = listOf("float32", "int8")
    private val folder = File(System.getProperty("model.dir"))
    private val golden = JSONObject(File(folder, "golden/golden.json").readText())

    val labels: List<String> = strings(golden.getJSONArray("labels"))
    val sampleRate: Int = golden.getInt("sample_rate")
    val window: Int = golden.getInt("window")
    val clips: List<Clip> = golden.getJSONArray("clips").let { clips ->
        (0 until clips.length()).map { Clip(clips.getJSONObject(it)) }
    }

    fun tolerance(kind: String): Float = golden.getJSONObject("tolerance").getDouble(kind).toFloat()

    fun bytes(kind: String): ByteArray = File(folder, "ser_$kind.tflite").readBytes()

    fun model(kind: String): ByteBuffer {
        val bytes = bytes(kind)
        val model = ByteBuffer.allocateDirect(bytes.size).order(ByteOrder.nativeOrder())
        model.put(bytes)
        model.rewind()
        return model
    }

    /** A clip of real speech, and the scores that every runtime must give for it. */
    class Clip(private val entry: JSONObject) {
        val name: String = entry.getString("file")
        val file = File(folder, "golden/$name")
        val wav: WavFile by lazy { file.inputStream().use { WavFile.read(it) } }

        fun scores(kind: String): FloatArray {
            val scores = entry.getJSONObject("probabilities").getJSONArray(kind)
            return FloatArray(scores.length()) { scores.getDouble(it).toFloat() }
        }
    }

    private fun strings(array: JSONArray) = (0 until array.length()).map { array.getString(it) }
}
