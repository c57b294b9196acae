"""Small `.tflite` files of every kind, made by TensorFlow's converter and by hand."""

import warnings

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema

FRAMES, BANDS, WAVEFORM = 32, 10, 1600


def cnn_files():
    """A small LIGHT-SERNET: parallel convolutions, pooling, a linear layer, softmax."""
    import keras
    import tensorflow as tf

    keras.utils.set_random_seed(1)
    layers = keras.layers
    inputs = keras.Input((FRAMES, BANDS, 1), batch_size=1)
    branches = [
        layers.ReLU()(layers.BatchNormalization()(layers.Conv2D(8, size, padding="same")(inputs)))
        for size in ((9, 1), (1, 9), (3, 3))
    ]
    x = layers.AveragePooling2D(2)(layers.Concatenate()(branches))
    x = layers.ReLU()(layers.Conv2D(16, 3, padding="same")(x))
    x = layers.GlobalAveragePooling2D()(x)
    # Large enough that the converter's dynamic range takes it: 1,024 values.
    x = layers.Dense(64, activation="relu")(x)
    model = keras.Model(inputs, layers.Dense(4, activation="softmax")(x))
    data = np.random.default_rng(0).normal(size=(8, 1, FRAMES, BANDS, 1)).astype("float32")

    serve = tf.function(lambda x: model(x, training=False), autograph=False)
    traced = serve.get_concrete_function(tf.TensorSpec(inputs.shape, tf.float32, name="features"))
    module = tf.Module()
    module.variables_of_model = [variable.value for variable in model.variables]

    def convert(kind):
        converter = tf.lite.TFLiteConverter.from_concrete_functions([traced], module)
        if kind != "float32":
            converter.optimizations = [tf.lite.Optimize.DEFAULT]
        if kind == "float16":
            converter.target_spec.supported_types = [tf.float16]
        if kind in ("int8", "int8_full", "mixed"):
            converter.representative_dataset = lambda: ([clip] for clip in data)
            converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
        if kind == "int8_full":
            converter.inference_input_type = converter.inference_output_type = tf.int8
        if kind == "mixed":
            sets = tf.lite.OpsSet
            converter.target_spec.supported_ops = [
                sets.EXPERIMENTAL_TFLITE_BUILTINS_ACTIVATIONS_INT16_WEIGHTS_INT8
            ]
        with warnings.catch_warnings():
            # The converter says that it takes its statistics from the data alone.
            warnings.simplefilter("ignore", UserWarning)
            return converter.convert()

    kinds = ("float32", "float16", "int8_dynamic", "int8", "int8_full", "mixed")
    return {kind: convert(kind) for kind in kinds}


def _converted(function, *specs):
    import tensorflow as tf

    traced = tf.function(function, input_signature=specs)
    converter = tf.lite.TFLiteConverter.from_concrete_functions(
        [traced.get_concrete_function()], tf.Module()
    )
    return converter.convert()


def dynamic_file():
    """A model of any batch."""
    import tensorflow as tf

    return _converted(tf.nn.softmax, tf.TensorSpec([None, 4], tf.float32, name="logits"))


def yamnet_file():
    """As YAMNet: waveform in, short-time Fourier transform, three outputs, a sigmoid."""
    import tensorflow as tf

    rng = np.random.default_rng(0)
    mel = tf.constant(rng.uniform(size=(129, 16)).astype("float32"))
    kernel = tf.constant(rng.normal(size=(16, 5)).astype("float32"))

    def run(waveform):
        # The converter's RFFT2D takes one batch axis and fixed shapes, as Keras's front ends do.
        frames = tf.signal.frame(waveform, 200, 80)
        spectrum = tf.abs(tf.signal.rfft(frames, [256]))
        log_mel = tf.math.log(spectrum @ mel + 1e-3)
        embedding = tf.reduce_mean(log_mel, 0, keepdims=True)
        return tf.sigmoid(embedding @ kernel), embedding, log_mel

    return _converted(run, tf.TensorSpec([WAVEFORM], tf.float32, name="waveform"))


def loop_file():
    """A model of several subgraphs."""
    import tensorflow as tf

    def run(x):
        more = lambda i, _: i < tf.cast(tf.reduce_sum(x), tf.int32)  # noqa: E731
        return tf.while_loop(more, lambda i, y: (i + 1, y * 2.0), (0, x))[1]

    return _converted(run, tf.TensorSpec([1, 4], tf.float32))


def asking_files():
    """Models that do not take just any input: by name, what each asks for."""
    import tensorflow as tf

    def spec(shape, dtype=tf.float32):
        return tf.TensorSpec(shape, dtype)

    number, row = spec([], tf.int32), spec([1, 10])
    size, axes = spec([2], tf.int32), spec([3], tf.int32)
    return {
        "k": _converted(lambda x, k: tf.math.top_k(x, k)[0], row, number),
        "size": _converted(tf.image.resize, spec([1, 8, 8, 3]), size),
        "length": _converted(lambda x, n: tf.reduce_mean(x[:, :n], axis=1), row, number),
        "divisor": _converted(lambda x, n: x / tf.cast(n, tf.float32), row, number),
        "axes": _converted(lambda x, p: tf.transpose(x, p) * 2, spec([2, 3, 4]), axes),
        "index_and_k": _converted(
            lambda x, i, k: tf.math.top_k(tf.gather(x, i), k)[0], row, number, number
        ),
        "positive": _converted(tf.math.log, row),
        "seconds": _converted(lambda x: tf.signal.frame(x, 400, 160) * 2, spec([None])),
    }


def state_files():
    """A model that adds up what it gets, alone and with two more signatures."""
    import tempfile

    import tensorflow as tf

    class Sum(tf.Module):
        def __init__(self):
            self.total = tf.Variable(tf.zeros((1, 4)))

        @tf.function(input_signature=[tf.TensorSpec([1, 4], tf.float32, name="x")])
        def step(self, x):
            self.total.assign_add(x)
            return tf.nn.softmax(self.total.read_value())

        @tf.function(input_signature=[])
        def reset(self):
            self.total.assign(tf.zeros((1, 4)))
            return tf.constant(1.0)

        @tf.function(input_signature=[tf.TensorSpec([1, 6], tf.float32, name="x")])
        def best(self, x):
            return tf.math.top_k(x, 2)[1]

    def convert(*names):
        model = Sum()
        with tempfile.TemporaryDirectory() as folder:
            tf.saved_model.save(model, folder, {name: getattr(model, name) for name in names})
            converter = tf.lite.TFLiteConverter.from_saved_model(folder, signature_keys=names)
            converter.experimental_enable_resource_variables = True
            return converter.convert()

    return {"state": convert("step"), "signatures": convert("best", "reset", "step")}


def linear_model(weights, *, version=5, scales=None, stacked=None):
    """Objects of a model `softmax(x @ weights.T)`; int8 weights with a scale per output channel.

    With `stacked`, a second linear layer lies between the first and the softmax.
    """
    model = schema.ModelT()
    model.version = 3
    model.description = "by hand"
    model.buffers = [schema.BufferT()]
    graph = schema.SubGraphT()
    graph.tensors, graph.operators, model.operatorCodes = [], [], []

    def tensor(name, shape, values=None, scale=None):
        added = schema.TensorT()
        added.name, added.shape, added.buffer = name, list(shape), 0
        added.type = schema.TensorType.FLOAT32
        if values is not None:
            model.buffers.append(schema.BufferT())
            added.buffer = len(model.buffers) - 1
            model.buffers[-1].data = np.frombuffer(values.tobytes(), np.uint8)
        if scale is not None:
            added.type = schema.TensorType.INT8
            added.quantization = schema.QuantizationParametersT()
            added.quantization.scale = scale
            added.quantization.zeroPoint = [0] * len(scale)
        graph.tensors.append(added)
        return len(graph.tensors) - 1

    def operator(builtin, code_version, inputs, outputs):
        code = schema.OperatorCodeT()
        code.builtinCode = code.deprecatedBuiltinCode = builtin
        code.version = code_version
        model.operatorCodes.append(code)
        added = schema.OperatorT()
        added.opcodeIndex = len(model.operatorCodes) - 1
        added.inputs, added.outputs = inputs, outputs
        graph.operators.append(added)
        return added

    def linear(x, values, scale):
        w = tensor("weights", values.shape, values, scale)
        y = tensor("y", (1, values.shape[0]))
        added = operator(schema.BuiltinOperator.FULLY_CONNECTED, version, [x, w, -1], [y])
        added.builtinOptionsType = schema.BuiltinOptions.FullyConnectedOptions
        added.builtinOptions = schema.FullyConnectedOptionsT()
        return y

    y = linear(tensor("x", (1, weights.shape[1])), weights, scales)
    if stacked is not None:
        y = linear(y, stacked, None)
    out = tensor("scores", graph.tensors[y].shape)
    added = operator(schema.BuiltinOperator.SOFTMAX, 1, [y], [out])
    added.builtinOptionsType = schema.BuiltinOptions.SoftmaxOptions
    added.builtinOptions = schema.SoftmaxOptionsT()
    added.builtinOptions.beta = 1.0
    graph.inputs, graph.outputs = [0], [out]
    signature = schema.SignatureDefT()
    signature.signatureKey = "serving_default"
    signature.inputs, signature.outputs = ([schema.TensorMapT()], [schema.TensorMapT()])
    signature.inputs[0].name, signature.outputs[0].name = "x", "scores"
    signature.inputs[0].tensorIndex, signature.outputs[0].tensorIndex = 0, out
    model.signatureDefs = [signature]
    model.subgraphs = [graph]
    return model


def pack(model):
    """Bytes of the objects, as the schema's own code writes them."""
    builder = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())
