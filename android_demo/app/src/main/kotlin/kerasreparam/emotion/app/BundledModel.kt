package kerasreparam.emotion.app

import android.content.res.AssetManager
import java.nio.ByteBuffer
import java.nio.ByteOrder
import kerasreparam.emotion.TfliteClassifier

/**
 * A model in the app's assets.
 *
 * @property file its file's name.
 * @property content the whole file.
 */
internal class BundledModel(val file: String, val content: ByteBuffer) {
    /** Milliseconds that it took for the last windows. */
    val latency = RecentMedian()

    /** What tells it from the others: `int8` of `ser_int8.tflite`. */
    val name: String get() = file.removeSuffix(SUFFIX).removePrefix(PREFIX)

    val sizeBytes: Int get() = content.capacity()

    /** Times it on noise, so that its figure is there before anybody speaks. */
    fun measure(): List<Double> = TfliteClassifier(content).use { classifier ->
        val noise = java.util.Random(1)
        val window = FloatArray(classifier.model.window) { 0.1f * noise.nextFloat() }
        val scores = FloatArray(classifier.model.labels.size)
        List(WARM_UP + TIMED) {
            val start = System.nanoTime()
            classifier.classify(window, scores)
            (System.nanoTime() - start) / 1e6
        }.drop(WARM_UP)
    }

    companion object {
        private const val FOLDER = "models"
        private const val PREFIX = "ser_"
        private const val SUFFIX = ".tflite"
        private const val WARM_UP = 2
        private const val TIMED = 5

        /** All of them, the smallest first. */
        fun all(assets: AssetManager): List<BundledModel> =
            assets.list(FOLDER).orEmpty().filter { it.endsWith(SUFFIX) }
                .map { BundledModel(it, read(assets, "$FOLDER/$it")) }
                .sortedBy { it.sizeBytes }

        private fun read(assets: AssetManager, path: String): ByteBuffer {
            val bytes = assets.open(path).use { it.readBytes() }
            val content = ByteBuffer.allocateDirect(bytes.size).order(ByteOrder.nativeOrder())
            content.put(bytes)
            content.rewind()
            return content
        }
    }
}
