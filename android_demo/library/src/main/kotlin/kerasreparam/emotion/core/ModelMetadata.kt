package kerasreparam.emotion.core

import java.nio.ByteBuffer
import java.nio.ByteOrder
import java.nio.charset.CharacterCodingException
import java.nio.charset.StandardCharsets.UTF_8
import kerasreparam.emotion.EmotionException
import kerasreparam.emotion.ModelInfo.Head

/**
 * Name, labels, sample rate, head with unit and range, and threshold that a `.tflite` file holds:
 * TensorFlow Lite's metadata (a flatbuffer `M001` inside the model's) and a label file in the zip archive
 * at the file's end.
 */
internal class ModelMetadata private constructor(
    val name: String,
    val labels: List<String>,
    val sampleRate: Int,
    val head: Head,
    val unsureBelow: Float,
    val unit: String,
    val lowest: Double,
    val highest: Double,
) {
    companion object {
        private const val KEY = "TFLITE_METADATA"
        private const val SIGMOID = "head: sigmoid"
        private const val LINEAR = "head: linear"
        private const val UNIT = "; unit: "
        private const val RANGE = "; range: "
        private const val TO = " to "
        private const val UNSURE = "unsure below: "
        private const val AUDIO_PROPERTIES = 4
        private const val MAX_LABEL_BYTES = 1 shl 20

        /** Reads from the buffer's position to its limit; neither is moved. */
        fun read(model: ByteBuffer): ModelMetadata {
            val file = model.slice().order(ByteOrder.LITTLE_ENDIAN)
            try {
                return parse(file)
            } catch (error: IndexOutOfBoundsException) {
                throw bad("its metadata is broken", error)
            } catch (error: CharacterCodingException) {
                throw bad("its metadata is broken", error)
            }
        }

        private fun parse(file: ByteBuffer): ModelMetadata {
            if (file.limit() < 8 || !FlatTable.hasIdentifier(file, "TFL3")) {
                throw bad("it is no .tflite file")
            }
            val content = find(FlatTable.root(file))
                ?: throw bad("it has no metadata. Export it with labels= and sample_rate=")
            if (!FlatTable.hasIdentifier(content, "M001")) throw bad("its metadata is broken")
            val metadata = FlatTable.root(content)
            val subgraph = metadata.tables(3).firstOrNull()
            val input = subgraph?.tables(2)?.firstOrNull()
            val output = subgraph?.tables(3)?.firstOrNull()
            val properties = input?.table(3)
            val audio = if (properties?.byte(0) == AUDIO_PROPERTIES) properties.table(1) else null
            val sampleRate = audio?.int(0) ?: 0
            if (sampleRate <= 0) {
                throw bad("it does not say at which sample rate. Export it with sample_rate=")
            }
            val channels = audio?.int(1) ?: 1
            if (channels !in 0..1) throw bad("it takes $channels channels instead of one")
            val labelFile = output?.tables(6)?.firstOrNull()?.text(0)
                ?: throw bad("it has no labels. Export it with labels=")
            val about = output.text(1) ?: ""
            val words = about.substringBefore(RANGE)
            val head = when (words.substringBefore(UNIT)) {
                SIGMOID -> Head.SIGMOID
                LINEAR -> Head.LINEAR
                else -> Head.SOFTMAX
            }
            val (lowest, highest) = if (head == Head.LINEAR) range(about) else listOf(0.0, 1.0)
            return ModelMetadata(
                metadata.text(0) ?: "", labels(file, labelFile), sampleRate, head, unsureBelow(about),
                words.substringAfter(UNIT, ""), lowest, highest,
            )
        }

        /** Lowest and highest value that are said. */
        private fun range(about: String): List<Double> {
            val ends = about.substringAfter(RANGE, "").split(TO).map { it.toDoubleOrNull() ?: Double.NaN }
            if (ends.size != 2 || !ends.all { it.isFinite() } || ends[0] >= ends[1]) {
                throw bad("it does not say how far its values go (${about.take(80)})")
            }
            return ends
        }

        /** The number from 0 to 1 that is said; 0 if there is none. */
        private fun unsureBelow(about: String): Float {
            if (!about.startsWith(UNSURE)) return 0f
            return about.removePrefix(UNSURE).toFloatOrNull()?.takeIf { it in 0f..1f } ?: 0f
        }

        private fun find(model: FlatTable): ByteBuffer? {
            val entry = model.tables(6).firstOrNull { it.text(0) == KEY } ?: return null
            val buffers = model.tables(4)
            val index = entry.int(1)
            if (index < 0) throw bad("its metadata is broken")
            return buffers.drop(index).firstOrNull()?.bytes(0)
        }

        private fun labels(file: ByteBuffer, name: String): List<String> {
            val content = AppendedZip.read(file, name, MAX_LABEL_BYTES)
                ?: throw bad("its label file \"${name.take(80)}\" is missing or broken")
            val text = UTF_8.newDecoder().decode(ByteBuffer.wrap(content)).toString()
            val labels = text.removeSuffix("\n").split("\n").map { it.removeSuffix("\r") }
            if (labels.any { it.isBlank() }) throw bad("one of its labels is empty")
            if (labels.toSet().size != labels.size) throw bad("its labels are not distinct")
            return labels
        }

        /** What says why a model cannot be used. */
        fun bad(what: String, cause: Throwable? = null) = EmotionException(
            EmotionException.Reason.MODEL, "This model cannot be used: $what.", cause,
        )
    }
}
