"""What each quantization kind stores, computes, takes and gives."""

from collections import Counter

import numpy as np
import pytest

keras = pytest.importorskip("keras")
if keras.config.backend() != "tensorflow":
    pytest.skip("the other backend is tested from here", allow_module_level=True)

from ai_edge_litert import schema_py_generated as schema  # noqa: E402
from ai_edge_litert.interpreter import Interpreter, OpResolverType  # noqa: E402

import keras_reparam as kr  # noqa: E402
from keras_reparam.deploy.conversion.convert import convert  # noqa: E402
from keras_reparam.deploy.conversion.quantize import quantize  # noqa: E402
from keras_reparam.deploy.runtime.runtime import Runtime  # noqa: E402
from keras_reparam.deploy.tflite.kinds import KINDS  # noqa: E402
from keras_reparam.deploy.tflite.tflite_buffers import pack_model, unpack_model  # noqa: E402
from keras_reparam.deploy.tflite.tflite_graph import TFLiteGraph  # noqa: E402

WINDOW = 3200
WAVES = np.random.default_rng(0).normal(0, 0.1, (16, WINDOW)).astype("float32")
WAVES *= np.linspace(0.05, 2, 16)[:, None].astype("float32")
CODES = {code: name for name, code in vars(schema.BuiltinOperator).items() if type(code) is int}


@pytest.fixture(scope="module")
def models():
    """The float32 model of a waveform model, that of its backbone, and features."""
    keras.utils.set_random_seed(5)
    layers = keras.layers
    inputs = keras.Input((20, 16))
    x = layers.Conv1D(32, 3, padding="same", activation="relu")(inputs)
    x = x + np.random.default_rng(1).normal(0, 0.3, (20, 32)).astype("float32")
    x = layers.LayerNormalization()(x)
    x = layers.Add()([x, layers.MultiHeadAttention(2, 8)(x, x)])
    x = layers.DepthwiseConv1D(3, padding="same")(x)
    x = layers.Dense(48, activation="gelu", name="fc1")(x)
    x = layers.GlobalAveragePooling1D()(layers.Dense(32, name="fc2")(x))
    # Scores shall differ from clip to clip.
    wide = keras.initializers.Orthogonal(gain=6)
    backbone = keras.Model(inputs, layers.Dense(3, kernel_initializer=wide)(x))
    backbone.supports_masking = True
    log_mel = kr.audio.LogMel(num_mels=16)
    log_mel.adapt(WAVES)
    wave = kr.models.with_front_end(backbone, log_mel)
    features = np.asarray(log_mel(WAVES))
    return {
        "waveform": (convert(wave, (WINDOW,)), WAVES),
        "features": (convert(backbone, (20, 16)), features),
    }


@pytest.fixture(scope="module")
def quantized(models):
    """`.tflite` bytes by (form, kind)."""
    return {
        (form, kind): pack_model(quantize(model, kind, data))
        for form, (model, data) in models.items()
        for kind in KINDS
        if (form, kind) != ("waveform", "int8_full")
    }


def scores(content, inputs):
    runtime = Runtime(content)
    return np.array([runtime(example) for example in inputs])


def constants(graph):
    return graph.constants(range(len(graph.operators)))


def test_scores_are_those_of_float32_and_vary(models, quantized):
    bounds = {"float32": 1e-6, "float16": 2e-3, "int8_dynamic": 0.02, "int8": 0.02}
    for (form, kind), content in quantized.items():
        reference, data = models[form][0].content, models[form][1]
        expected = scores(reference, data)
        assert expected.std(axis=0).max() > 0.03
        difference = np.abs(scores(content, data) - expected).max()
        assert difference <= bounds.get(kind, 0.06), (form, kind)


def test_types(quantized):
    for (form, kind), content in quantized.items():
        graph = TFLiteGraph(content)
        ends = {graph.tensors[i].dtype for i in (*graph.inputs, *graph.outputs)}
        assert ends == ({"int8"} if kind == "int8_full" else {"float32"})
        kernels = [
            (index, operator.name, graph.tensors[operator.inputs[1]].dtype)
            for index, operator in enumerate(graph.operators)
            if operator.name in ("FULLY_CONNECTED", "CONV_2D", "DEPTHWISE_CONV_2D")
            and graph.is_constant(operator.inputs[1])
        ]
        # As float16 they are restored by an operator, and too small ones are not worth it.
        expected = {
            "float32": {"float32"},
            "float16": {"float32"},
            "int8_dynamic": {"int8", "float32"},
            "int4_dynamic": {"int4", "int8", "float32"},
        }
        types = {dtype for index, _, dtype in kernels if index in graph.backbone}
        assert types == expected.get(kind, {"int8"})
        names = [o.name for o in graph.operators]
        assert ("QUANTIZE" in names) == (kind in ("int8", "int8_full"))
        stored = {t.dtype for t in constants(graph) if t.dtype.startswith(("float", "int8"))}
        assert ("float16" in stored) == (
            kind == "float16" or (form == "waveform" and kind != "float32")
        )


def test_every_operator_of_int8_full_with_an_int8_kernel_is_int8(quantized):
    graph = TFLiteGraph(quantized["features", "int8_full"])
    rest = {o.name for o in graph.operators if not graph.is_int8(o)}
    # litert-quantizer knows no int8 negation.
    assert rest <= {"NEG", "DEQUANTIZE"}


def test_front_end_is_float(quantized):
    for kind in ("float16", "int8_dynamic", "int8"):
        graph = TFLiteGraph(quantized["waveform", kind])
        tables = [t for t in graph.constants(graph.front_end) if t.values >= 256]
        # The mel filters, low and high ones, and no more.
        half = [t.shape[0] for t in tables if t.dtype == "float16"]
        assert len(half) == 2 and sum(half) == 16
        # Beside them the Fourier transform's matrices, and the window.
        rest = Counter(t.dtype for t in tables if t.dtype != "float16")
        fourier = len(tables) - 3
        assert fourier >= 1
        if kind == "float16":
            assert rest == {"float32": fourier + 1}
        else:
            # But of the linear layer, which would be slow.
            assert rest == {"int16": fourier - 1, "float32": 2}
        assert not any(graph.is_int8(graph.operators[i]) for i in graph.front_end)


def test_log_mel_is_right_with_its_constants_in_16_bits(models, quantized):
    logs = []
    for content in (models["waveform"][0].content, quantized["waveform", "int8"]):
        graph = TFLiteGraph(content)
        (log,) = [o.outputs[0] for o in graph.operators if o.name == "LOG"]
        interpreter = Interpreter(
            model_content=content,
            experimental_op_resolver_type=OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES,
            experimental_preserve_all_tensors=True,
            num_threads=1,
        )
        interpreter.allocate_tensors()
        interpreter.set_tensor(graph.inputs[0], WAVES[:1])
        interpreter.invoke()
        logs.append(interpreter.get_tensor(log))
    assert np.abs(logs[0] - logs[1]).max() < 1e-3


def test_versions_are_those_that_the_types_need(quantized):
    needed = {
        ("features", "int8"): {"FULLY_CONNECTED": 11, "CONV_2D": 3, "DEQUANTIZE": 2},
        ("features", "int8_dynamic"): {"FULLY_CONNECTED": 11, "CONV_2D": 5},
        ("features", "float16"): {"DEQUANTIZE": 3, "MUL": 1},
        ("features", "int8_full"): {
            **{"FULLY_CONNECTED": 11, "CONV_2D": 3, "DEPTHWISE_CONV_2D": 3, "ADD": 2, "SOFTMAX": 2},
            **{"BATCH_MATMUL": 2, "MEAN": 2, "RSQRT": 2, "SQUARED_DIFFERENCE": 2, "GELU": 2},
        },
    }
    for key, versions in needed.items():
        codes = unpack_model(quantized[key]).operatorCodes
        found = {}
        for code in codes:
            name = CODES[code.builtinCode]
            found[name] = max(code.version, found.get(name, 0))
        assert {name: found.get(name) for name in versions} == versions, key
        assert len({(code.builtinCode, code.version) for code in codes}) == len(codes)


def test_nothing_that_no_runtime_reads(models, quantized):
    for (form, kind), content in quantized.items():
        packed = unpack_model(content)
        (graph,) = packed.subgraphs
        names = [t.name for t in graph.tensors if packed.buffers[t.buffer].data is None]
        assert all(names)
        # Layers share their name once quantized: stored once, it takes a quarter of the bytes.
        assert (len(set(names)) == len(names)) == (kind == "float32")
        assert all(content.count(b"\0" + name + b"\0") == 1 for name in names if len(name) > 8)
        used = {t.buffer for t in graph.tensors} | {m.buffer for m in packed.metadata or ()}
        assert used | {0} == set(range(len(packed.buffers)))
        for tensor in graph.tensors:
            if packed.buffers[tensor.buffer].data is not None:
                assert not tensor.name
            if tensor.quantization is not None:
                assert tensor.quantization.min is None and len(tensor.quantization.scale)
        kept = {m.name for m in packed.metadata or ()}
        assert (b"min_runtime_version" in kept) == (kind == "float32")
        assert (len(content) < len(models[form][0].content)) or kind == "float32"


def test_names_are_those_of_layers(quantized):
    graph = TFLiteGraph(quantized["waveform", "float32"])
    made = {graph.tensors[o.outputs[0]].name for o in graph.operators}
    assert any(name.startswith("fc1/") for name in made)
    assert not any(";" in name or "functional" in name for name in made)
    graph = TFLiteGraph(quantized["waveform", "int8"])
    names = [graph.tensors[o.outputs[0]].name for o in graph.operators if o.name == "RSQRT"]
    assert names and not any("/" in name for name in names)


def test_same_bytes_again(models, quantized):
    model, data = models["features"]
    for kind in ("float16", "int8_dynamic", "int8_full"):
        assert pack_model(quantize(model, kind, data)) == quantized["features", kind]


def test_int8_ends_of_a_runtime(models, quantized):
    content, example = quantized["features", "int8_full"], models["features"][1][3]
    interpreter = Interpreter(model_content=content, num_threads=1)
    interpreter.allocate_tensors()
    (given,), (made,) = interpreter.get_input_details(), interpreter.get_output_details()
    scale, zero_point = given["quantization"]
    stored = np.clip(np.round(example / scale) + zero_point, -128, 127).astype("int8")
    interpreter.set_tensor(given["index"], stored[None])
    interpreter.invoke()
    scale, zero_point = made["quantization"]
    expected = (interpreter.get_tensor(made["index"])[0].astype("float32") - zero_point) * scale
    assert (scale, zero_point) == (1 / 256, -128)
    assert np.allclose(Runtime(content)(example), expected, atol=1e-7)


def test_nothing_to_quantize():
    inputs = keras.Input((8, 2))
    model = keras.Model(inputs, keras.layers.GlobalAveragePooling1D()(inputs))
    with pytest.raises(ValueError, match="no linear layer"):
        quantize(convert(model, (8, 2)), "int8", [np.ones((8, 2), "float32")])


@pytest.mark.slow
@pytest.mark.parametrize("name", kr.models.list_models())
def test_bytes_of_the_light_backbones(name, tmp_path):
    """The project's bars on size, for the backbone alone and with its front end."""
    backbone = kr.models.create(name, num_classes=4, frames=400)
    features = np.random.default_rng(0).normal(size=(3, 400, 64)).astype("float32")
    reference = convert(backbone, (400, 64))
    files = {kind: pack_model(quantize(reference, kind, features)) for kind in KINDS}
    sizes = {kind: len(content) for kind, content in files.items()}
    for kind in ("int8_dynamic", "int8", "int8_full"):
        graph = TFLiteGraph(files[kind])
        weights = [t for t in constants(graph) if t.dtype in ("float32", "float16", "int8")]
        int8 = sum(t.data_bytes for t in weights if t.dtype == "int8")
        assert int8 >= 0.9 * sum(t.data_bytes for t in weights)
        assert sizes[kind] <= 0.40 * sizes["float32"]
    assert sizes["float16"] <= 0.60 * sizes["float32"]
