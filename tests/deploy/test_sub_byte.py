"""Weights of 4 and 2 bits, and kernels of three values a channel."""

import keras
import numpy as np
import pytest

if keras.backend.backend() != "tensorflow":
    pytest.skip("the other backend is tested from here", allow_module_level=True)

import keras_reparam as kr
from keras_reparam.deploy.conversion.convert import convert
from keras_reparam.deploy.inspection.inspect_model import inspect_content
from keras_reparam.deploy.runtime.runtime import Runtime
from keras_reparam.deploy.tflite.metadata import read_metadata
from keras_reparam.deploy.tflite.packed_codes import pack_codes, unpack_codes
from keras_reparam.deploy.tflite.tflite_buffers import pack_model, unpack_model
from keras_reparam.deploy.tflite.tflite_graph import TFLiteGraph

layers = keras.layers
# Clips that differ, each about its own mean.
CLIPS = np.random.default_rng(0).normal(size=(2, 30, 20, 8)).astype("float32")
CLIPS = CLIPS[0] + CLIPS[1, :, :1]
FILES = {
    "int8": {},
    "int8_dynamic": {},
    "int8_full": {},
    "int4_dynamic": {},
    "int8, int2": {"sub_byte": "int2"},
    "int8_dynamic, int2": {"sub_byte": "int2"},
    "int4_dynamic, int2": {"sub_byte": "int2"},
}
# By axis of output channels, in a file and in Keras.
TERNARY = {"conv": (0, 2), "four": (0, 1), "even": (0, 1), "odd": (0, 1)}


def ternary(kernel):
    """Three values a channel, by TWN's threshold: another channel, another scale."""
    sizes = np.abs(kernel.reshape(-1, kernel.shape[-1]))
    large = sizes > 0.7 * sizes.mean(axis=0)
    scale = (sizes.sum(axis=0, where=large) / large.sum(axis=0)).astype("float32")
    return np.sign(kernel) * large.reshape(kernel.shape) * scale


def network(convert=ternary):
    keras.utils.set_random_seed(0)
    options = {"bias_initializer": keras.initializers.RandomNormal(stddev=0.3)}
    inputs = keras.Input(CLIPS.shape[1:])
    x = layers.Conv1D(16, 3, activation="relu", name="conv", **options)(inputs)
    x = layers.Dense(18, activation="relu", name="four", **options)(x)
    x = layers.Dense(15, activation="relu", name="even", **options)(x)
    x = layers.Dense(16, activation="relu", name="odd", **options)(x)
    x = layers.GlobalAveragePooling1D()(x)
    wide = keras.initializers.Orthogonal(gain=3)
    model = keras.Model(inputs, layers.Dense(3, kernel_initializer=wide, name="last")(x))
    for name in TERNARY:
        kernel, bias = model.get_layer(name).get_weights()
        model.get_layer(name).set_weights([convert(kernel), bias])
    return model


@pytest.fixture(scope="module")
def model():
    return network()


@pytest.fixture(scope="module")
def exported(model, tmp_path_factory):
    """By kind, (report, bytes)."""
    folder, found = tmp_path_factory.mktemp("files"), {}
    for name, options in FILES.items():
        path = folder / f"{name}.tflite"
        kind = name.partition(",")[0]
        report = kr.export_tflite(
            model, path, quantization=kind, representative_data=CLIPS, labels=list("abc"), **options
        )
        found[name] = report, path.read_bytes()
    return found


def scores(content):
    runtime = Runtime(content)
    return np.array([runtime(clip) for clip in CLIPS])


def kernels(content):
    """By layer: type of its kernel, and what it stands for."""
    graph = TFLiteGraph(content)
    found = {}
    for operator in graph.operators:
        if operator.name in ("FULLY_CONNECTED", "CONV_2D"):
            about = graph.tensors[operator.inputs[1]]
            values = graph.values(operator.inputs[1])
            scales = np.array(about.scales, "float32").reshape(-1, *[1] * (values.ndim - 1))
            found[len(found)] = about.dtype, values.astype("float32") * scales
    return dict(zip(["conv", "four", "even", "odd", "last"], found.values(), strict=True))


@pytest.mark.parametrize("name", FILES)
@pytest.mark.slow
def test_three_values_a_channel_are_exact(model, exported, name):
    report, content = exported[name]
    found = kernels(content)
    for layer in TERNARY:
        kernel = np.asarray(model.get_layer(layer).kernel)
        stored = np.moveaxis(found[layer][1], 0, -1).reshape(kernel.shape)
        assert np.array_equal(stored, kernel), layer
    assert len(report.ternary) == 4 and inspect_content(content, "").ternary == report.ternary
    expected = np.asarray(keras.ops.softmax(model(CLIPS)))
    assert expected.std(axis=0).max() > 0.05
    assert np.abs(scores(content) - expected).max() < 0.05


@pytest.mark.slow
def test_which_layers_get_fewer_bits(exported):
    def types(name):
        return [dtype for dtype, _ in kernels(exported[name][1]).values()]

    assert types("int8") == types("int8_dynamic") == types("int8_full") == ["int8"] * 5
    # conv, 16 inputs, 18, 15, 16.
    assert types("int4_dynamic") == ["int8", "int4", "int4", "int8", "int4"]
    assert types("int8, int2") == ["int8", "int2", "int8", "int8", "int8"]
    assert types("int4_dynamic, int2") == ["int8", "int2", "int4", "int8", "int4"]
    for name in ("int8", "int8_dynamic"):
        # Other bits, the same numbers.
        assert np.array_equal(scores(exported[name][1]), scores(exported[f"{name}, int2"][1]))


@pytest.mark.slow
def test_what_is_said_of_them(exported):
    for name, (report, content) in exported.items():
        inspected = inspect_content(content, f"m_{report.kind}.tflite")
        needed = {"int2": "2.21.0", "int4": "2.16.1"}
        (wanted,) = [needed[t] for t in ("int2", "int4") if t in report.weights][:1] or [""]
        assert inspected.kind == report.kind == name.partition(",")[0]
        assert report.metadata.runtime == read_metadata(content).runtime == wanted
        assert not wanted or inspected.runtime == report.runtime == wanted
        assert inspected.passed == ("int2" not in report.weights)
        bits = {"int8": 8, "int4": 4, "int2": 2, "float32": 32}
        values = sum(8 * size / bits[dtype] for dtype, size in report.weights.items())
        mean = 8 * sum(report.weights.values()) / values
        assert report.bits_per_weight == inspected.bits_per_weight == pytest.approx(mean)
        assert 0 < report.deflated == inspected.deflated < report.size
        assert "bits a weight" in str(report) and "three values a channel" in str(inspected)
        assert not [w for w in inspected.warnings if "its name" in w or "tensors" in w]
    notes = exported["int8, int2"][0].notes
    assert any("not stored in 2 bits" in n and "conv" in n and "odd" in n for n in notes)
    small, large = (exported[name][0] for name in ("int4_dynamic", "int8_dynamic"))
    assert small.size < large.size and small.bits_per_weight < large.bits_per_weight


@pytest.mark.slow
def test_a_kernel_behind_one_that_many_operators_share(tmp_path):
    inputs = keras.Input(CLIPS.shape[1:])
    shared, x = layers.Dense(8, activation="relu"), inputs
    for _ in range(12):
        x = shared(x)
    last = layers.Dense(3, name="last")
    model = keras.Model(inputs, last(layers.GlobalAveragePooling1D()(x)))
    for layer in (shared, last):
        layer.set_weights([ternary(np.asarray(layer.kernel)), layer.bias])
    for kind in ("int8", "int4_dynamic"):
        path = tmp_path / f"{kind}.tflite"
        report = kr.export_tflite(model, path, quantization=kind, representative_data=CLIPS)
        assert "last" in report.ternary
        graph = TFLiteGraph(path.read_bytes())
        (*_, operator) = [o for o in graph.operators if o.name == "FULLY_CONNECTED"]
        scales = np.array(graph.tensors[operator.inputs[1]].scales, "float32")[:, None]
        stored = graph.values(operator.inputs[1]) * scales
        assert np.array_equal(stored.T, np.asarray(last.kernel))


@pytest.mark.slow
def test_an_ulp_off_is_no_longer_ternary(tmp_path):
    def nearly(kernel):
        kernel = ternary(kernel)
        first = np.flatnonzero(kernel)[0]
        kernel.flat[first] = np.nextafter(kernel.flat[first], np.float32(2))
        return kernel

    path = tmp_path / "m.tflite"
    report = kr.export_tflite(network(nearly), path, quantization="int8_dynamic", sub_byte="int2")
    assert not report.ternary and "int2" not in report.weights
    assert any("nearly, but not bit for bit" in n and "four" in n for n in report.notes)
    assert any("nothing stored in 2 bits" in note for note in report.notes)
    # As before of a kernel of any values.
    other = kr.export_tflite(
        network(lambda kernel: kernel), path, quantization="int8", representative_data=CLIPS
    )
    assert not other.ternary and not [n for n in other.notes if "three values" in n]


@pytest.mark.parametrize(
    ("kind", "sub_byte", "said"),
    [("int8", "int4", "must be"), ("float32", "int2", "kinds"), ("int8_full", "int2", "kinds")],
)
def test_bad_use(model, tmp_path, kind, sub_byte, said):
    with pytest.raises(ValueError, match=f"sub_byte.*{said}.*Received: "):
        kr.export_tflite(
            model, tmp_path / "m.tflite", quantization=kind, sub_byte=sub_byte,
            representative_data=CLIPS,
        )  # fmt: skip
    assert not list(tmp_path.iterdir())


def test_packed_codes():
    codes = np.random.default_rng(0).integers(-2, 2, 33)
    for bits, size in ((2, 9), (4, 17)):
        data = pack_codes(codes, bits)
        assert len(data) == size and unpack_codes(data, bits, 33).tolist() == codes.tolist()
    # As TensorFlow packs them: the first value in the lowest bits.
    assert (
        pack_codes(np.array([1, -2]), 4) == b"\xe1" and pack_codes(np.array([1, -1]), 2) == b"\x0d"
    )


def quantized_otherwise(content, **options):
    from litert_quantizer import qtyping, recipe_manager
    from litert_quantizer.quantizer import Quantizer

    recipe = recipe_manager.RecipeManager()
    add = getattr(recipe, options.pop("add"))
    add(".*", qtyping.TFLOperationName.FULLY_CONNECTED, **options)
    quantizer = Quantizer(bytearray(content), recipe.get_quantization_recipe())
    result = quantizer.quantize(None, enable_progress_bar=False, enable_progress_report=False)
    return bytes(result.quantized_model)


def test_warnings_of_forms_that_runtimes_get_wrong():
    from litert_quantizer import qtyping

    inputs = keras.Input((64,))
    model = keras.Model(inputs, layers.Dense(3)(layers.Dense(64, activation="relu")(inputs)))
    content = convert(model).content

    def warnings(changed):
        report = inspect_content(changed, "")
        return report.kind, " ".join(report.warnings)

    blocks = {"add": "add_dynamic_config", "granularity": qtyping.QuantGranularity.BLOCKWISE_32}
    for bits in (2, 4):
        kind, said = warnings(quantized_otherwise(content, num_bits=bits, **blocks))
        assert kind == "mixed" and "2 tensors with a scale per block" in said
    kind, said = warnings(quantized_otherwise(content, add="add_weight_only_config", num_bits=4))
    assert kind == "mixed" and "weight-only" in said and "per block" not in said
    packed = unpack_model(content)
    from ai_edge_litert import schema_py_generated as schema

    packed.subgraphs[0].tensors[1].sparsity = schema.SparsityParametersT()
    assert "1 sparse tensors: int8" in warnings(pack_model(packed))[1]
