package kerasreparam.emotion

import java.nio.ByteBuffer
import java.nio.ByteOrder
import java.nio.FloatBuffer
import java.nio.MappedByteBuffer
import kerasreparam.emotion.core.ModelMetadata
import kerasreparam.emotion.core.ModelMetadata.Companion.bad
import org.tensorflow.lite.DataType
import org.tensorflow.lite.Interpreter
import org.tensorflow.lite.Tensor

/**
 * Runs a `.tflite` file: float32 waveform `[1, samples]` in, float32 scores `[1, labels]` out, with
 * labels and sample rate in its metadata.
 *
 * The runtime checks little of what it runs: load only models that you trust.
 *
 * @param model the whole file. It is copied unless it is direct and in native byte order, or
 *   mapped; then it must not be changed afterwards.
 * @param threads threads of the runtime.
 * @throws EmotionException ([EmotionException.Reason.MODEL]) if it is no such file.
 */
class TfliteClassifier @JvmOverloads @Throws(EmotionException::class) constructor(
    model: ByteBuffer,
    threads: Int = 1,
) : Classifier {
    private val interpreter: Interpreter
    private val input: ByteBuffer
    private val inputSamples: FloatBuffer
    private val output: ByteBuffer
    private val outputScores: FloatBuffer

    override val model: ModelInfo

    init {
        val metadata = ModelMetadata.read(model)
        interpreter = interpreter(direct(model), threads)
        try {
            val window = length(interpreter.getInputTensor(0), "input", "a waveform [1, samples]")
            val classes = length(interpreter.getOutputTensor(0), "output", "scores [1, classes]")
            if (classes != metadata.labels.size) {
                throw bad("it names ${metadata.labels.size} labels and gives $classes scores")
            }
            this.model = ModelInfo(
                metadata.name, metadata.labels, metadata.sampleRate, window, model.remaining(),
                metadata.head, metadata.unsureBelow, metadata.unit, metadata.lowest, metadata.highest,
            )
            input = floats(window)
            output = floats(classes)
        } catch (error: EmotionException) {
            interpreter.close()
            throw error
        }
        inputSamples = input.asFloatBuffer()
        outputScores = output.asFloatBuffer()
    }

    override fun classify(window: FloatArray, scores: FloatArray) {
        require(window.size == model.window) {
            "Expected ${model.window} samples. Received: ${window.size}"
        }
        require(scores.size == model.labels.size) {
            "Expected room for ${model.labels.size} scores. Received: ${scores.size}"
        }
        inputSamples.rewind()
        inputSamples.put(window)
        input.rewind()
        output.rewind()
        interpreter.run(input, output)
        outputScores.rewind()
        outputScores.get(scores)
    }

    override fun close() = interpreter.close()

    private companion object {
        fun interpreter(model: ByteBuffer, threads: Int): Interpreter {
            val interpreter = try {
                Interpreter(model, Interpreter.Options().setNumThreads(threads))
            } catch (error: IllegalArgumentException) {
                throw bad("the runtime does not take it: ${error.message}", error)
            } catch (error: IllegalStateException) {
                throw bad("the runtime does not take it: ${error.message}", error)
            }
            if (interpreter.inputTensorCount != 1 || interpreter.outputTensorCount != 1) {
                interpreter.close()
                throw bad("it must have one input and one output")
            }
            return interpreter
        }

        fun length(tensor: Tensor, name: String, expected: String): Int {
            val shape = tensor.shape()
            if (tensor.dataType() != DataType.FLOAT32 || shape.size != 2 || shape[0] != 1) {
                throw bad(
                    "its $name must be float32 $expected; received ${tensor.dataType()} " +
                        shape.contentToString(),
                )
            }
            return shape[1]
        }

        fun direct(model: ByteBuffer): ByteBuffer {
            val native = model is MappedByteBuffer || model.order() == ByteOrder.nativeOrder()
            if (model.isDirect && native && model.remaining() == model.capacity()) return model
            val copy = ByteBuffer.allocateDirect(model.remaining()).order(ByteOrder.nativeOrder())
            copy.put(model.duplicate())
            copy.rewind()
            return copy
        }

        fun floats(count: Int): ByteBuffer =
            ByteBuffer.allocateDirect(4 * count).order(ByteOrder.nativeOrder())
    }
}
