"""`export_tflite` against Keras itself."""

import dataclasses
import os
import sys
from collections import Counter

import numpy as np
import pytest

keras = pytest.importorskip("keras")
if keras.config.backend() != "tensorflow":
    pytest.skip("the other backend is tested from here", allow_module_level=True)

import keras_reparam as kr  # noqa: E402
from keras_reparam.deploy.conversion.convert import convert  # noqa: E402
from keras_reparam.deploy.conversion.quantize import quantize  # noqa: E402
from keras_reparam.deploy.runtime.runtime import Runtime  # noqa: E402
from keras_reparam.deploy.tflite.kernel_versions import sub_byte_runtime  # noqa: E402
from keras_reparam.deploy.tflite.kinds import KINDS  # noqa: E402
from keras_reparam.deploy.tflite.metadata import TFLiteMetadata, pack_with_metadata  # noqa: E402
from keras_reparam.deploy.tflite.tflite_graph import TFLiteGraph  # noqa: E402

SHAPE = (20, 8)
CLIPS = np.random.default_rng(0).normal(size=(12, *SHAPE)).astype("float32")


def small_model(*, units=3, activation=None, policy="float32"):
    """Convolution, normalisation, attention, linear layers: features to logits."""
    layers = keras.layers
    inputs = keras.Input(SHAPE)
    x = layers.Conv1D(16, 3, padding="same", activation="relu", dtype=policy)(inputs)
    x = layers.LayerNormalization(dtype=policy)(x)
    x = layers.Add(dtype=policy)([x, layers.MultiHeadAttention(2, 8, dtype=policy)(x, x)])
    x = layers.Dense(32, activation="gelu", dtype=policy, name="fc1")(x)
    x = layers.Dense(16, dtype=policy, name="fc2")(x)
    x = layers.GlobalAveragePooling1D(dtype=policy)(x)
    return keras.Model(inputs, layers.Dense(units, activation=activation, dtype=policy)(x))


def probabilities(model, clips):
    return np.asarray(keras.ops.softmax(keras.ops.cast(model(clips, training=False), "float32")))


def scores(path, clips):
    runtime = Runtime(path.read_bytes())
    return np.array([runtime(clip) for clip in clips])


def test_float_file_gives_the_models_probabilities(wave_model, exported, speech):
    found = scores(exported["float32"].path, speech.clips)
    assert np.abs(found - probabilities(wave_model, speech.clips)).max() < 1e-5
    assert (
        found.std(axis=0).max() > 0.05
    )  # the clips are told apart: the comparison means something


def test_int8_file_gives_the_same_classes(wave_model, exported, speech):
    # The odd clips are not those that calibrated.
    clips = speech.clips[1::2]
    expected = probabilities(wave_model, clips)
    found = scores(exported["int8"].path, clips)
    assert np.abs(found - expected).max() < 0.06
    assert np.abs(found - expected).mean() < 0.01
    same = found.argmax(1) == expected.argmax(1)
    assert same.mean() >= 0.95
    # Where the class differs, Keras itself was undecided.
    best = np.sort(expected, axis=1)
    assert np.all(best[~same, -1] - best[~same, -2] < 0.05)


def test_int8_weights(wave_model, exported):
    graph = TFLiteGraph(exported["int8"].path.read_bytes())
    int8 = sum(t.values for t in graph.constants(graph.backbone) if t.dtype == "int8")
    trainable = sum(int(np.prod(w.shape)) for w in wave_model.trainable_weights)
    assert int8 / trainable > 0.97
    assert exported["int8"].int8_share > 0.9
    assert exported["int8"].size < 0.40 * exported["float32"].size


def test_what_stays_float(exported):
    graph = TFLiteGraph(exported["int8"].path.read_bytes())
    assert graph.front_end
    for index, operator in enumerate(graph.operators):
        if index in graph.front_end or operator.name in ("BATCH_MATMUL", "SOFTMAX", "RSQRT", "LOG"):
            assert not graph.is_int8(operator), operator
    linear = [o for o in graph.operators if o.name in ("FULLY_CONNECTED", "CONV_2D")]
    int8 = [graph.is_int8(operator) for operator in linear]
    # The Fourier transform's first product, the mel filters' two parts, and the convolution over
    # one channel alone.
    assert int8.count(False) == 4
    # The mel filters in half precision; the Fourier transform in 16 bit fixed point, but for its
    # small linear layer.
    stored = Counter(t.dtype for t in graph.constants(graph.front_end) if t.values >= 512)
    assert stored == {"float16": 2, "int16": 1, "float32": 1}


def test_padding_is_int8_where_its_convolution_is(exported):
    graph = TFLiteGraph(exported["int8"].path.read_bytes())
    convolutions = [o for o in graph.operators if o.name == "CONV_2D"]
    padding = [graph.operators[graph.producer[o.inputs[0]]] for o in convolutions]
    assert [o.name for o in padding] == ["PAD", "PAD"]
    assert list(map(graph.is_int8, padding)) == list(map(graph.is_int8, convolutions))
    assert list(map(graph.is_int8, convolutions)) == [False, True]


def test_builtin_operators_and_static_shapes(exported):
    for report in exported.values():
        graph = TFLiteGraph(report.path.read_bytes())
        assert graph.num_subgraphs == 1
        assert not any(o.name.startswith("CUSTOM") for o in graph.operators)
        assert [graph.tensors[t].shape for t in (*graph.inputs, *graph.outputs)] == [
            (1, 64000),
            (1, 4),
        ]
        assert {graph.tensors[t].dtype for t in (*graph.inputs, *graph.outputs)} == {"float32"}


def test_zeros_after_a_clip_change_nothing_and_silence_is_finite(exported, speech):
    for report in exported.values():
        runtime = Runtime(report.path.read_bytes())
        assert np.isfinite(runtime(np.zeros(64000))).all()
        clip = np.zeros(64000, "float32")
        clip[:20000] = speech.clips[0][:20000]
        assert abs(float(runtime(clip).sum()) - 1) < 1e-5


def test_report(exported):
    report = exported["int8"]
    assert report.size == report.path.stat().st_size
    assert report.metadata.sample_rate == 16000  # of the LogMel layer
    assert report.top1_agreement >= 0.95 and report.difference < 0.05
    assert exported["float32"].top1_agreement is None
    text = str(report)
    assert report.metadata.quantization == "int8" and report.input_type == "float32"
    assert "num_mels=64" in report.metadata.front_end
    for word in ("int8", "FULLY_CONNECTED", "16000 Hz", "anger, happiness", "weights"):
        assert word in text
    assert report.as_dict()["operators"]["CONV_2D"] == {"count": 2, "int8": 1}


def test_same_bytes_and_silent(tmp_path, capfd):
    model = small_model()
    content = []
    # Also where the data is an iterable.
    for name, data in (("a.tflite", CLIPS), ("b.tflite", iter(CLIPS))):
        kr.export_tflite(model, tmp_path / name, representative_data=data, labels=["a", "b", "c"])
        content.append((tmp_path / name).read_bytes())
    assert content[0] == content[1]
    assert capfd.readouterr() == ("", "")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.tflite", "b.tflite"]


@pytest.mark.parametrize(
    "policy",
    ["float32", "mixed_float16", "mixed_bfloat16"],
)
@pytest.mark.slow
def test_features_in_any_precision(tmp_path, policy):
    model = small_model(policy=policy)
    before = [np.asarray(w) for w in model.weights]
    tolerance = {"float32": 1e-5, "mixed_float16": 5e-3, "mixed_bfloat16": 3e-2}[policy]
    for kind, extra in (("float32", 0), ("int8", 0.02)):
        report = kr.export_tflite(
            model, tmp_path / "m.tflite", quantization=kind, representative_data=CLIPS
        )
        difference = np.abs(scores(report.path, CLIPS) - probabilities(model, CLIPS)).max()
        assert difference < tolerance + extra
    assert report.int8_share > 0.9
    assert report.metadata.sample_rate is None
    assert any("labels=" in note for note in report.notes)
    for weight, value in zip(model.weights, before, strict=True):
        assert np.array_equal(np.asarray(weight), value)


@keras.saving.register_keras_serializable("tests_deploy")
class Subclassed(keras.Model):
    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.first = keras.layers.Dense(16, activation="relu")
        self.last = keras.layers.Dense(2)

    def call(self, inputs):
        return self.last(keras.ops.mean(self.first(inputs), axis=1))


@pytest.mark.slow
def test_subclassed_and_sequential(tmp_path):
    subclassed = Subclassed()
    subclassed(CLIPS)
    layers = [keras.layers.Flatten(), keras.layers.Dense(16), keras.layers.Dense(2)]
    sequential = keras.Sequential([keras.Input(SHAPE), *layers])
    for model in (subclassed, sequential):
        report = kr.export_tflite(model, tmp_path / "m.tflite", quantization="float32")
        assert np.allclose(scores(report.path, CLIPS), probabilities(model, CLIPS), atol=1e-5)


@pytest.mark.slow
def test_batch_normalisation_is_folded(tmp_path):
    generator = np.random.default_rng(1)

    def model(normalised):
        inputs = keras.Input(SHAPE)
        x = keras.layers.Conv1D(8, 3, name="conv")(inputs)
        x = keras.layers.BatchNormalization(name="first")(x) if normalised else x
        x = keras.layers.Dense(16, name="dense")(keras.layers.ReLU()(x))
        x = keras.layers.BatchNormalization(name="second")(x) if normalised else x
        return keras.Model(inputs, keras.layers.Dense(2)(keras.layers.Flatten()(x)))

    with_norm = model(True)
    for layer in ("first", "second"):
        for weight in with_norm.get_layer(layer).weights:
            weight.assign(generator.uniform(0.5, 2, weight.shape))
    path = tmp_path / "m.tflite"
    folded = kr.export_tflite(with_norm, path, quantization="float32")
    assert np.allclose(scores(path, CLIPS), probabilities(with_norm, CLIPS), atol=1e-5)
    plain = kr.export_tflite(model(False), path, quantization="float32")
    assert folded.operators == plain.operators


@pytest.mark.slow
def test_unmerged_model_names_merge(tmp_path):
    model = small_model()
    train = kr.expand(model)
    with pytest.raises(ValueError, match=r"keras_reparam\.merge.*"):
        kr.export_tflite(train, tmp_path / "m.tflite", representative_data=CLIPS)
    light = kr.merge(train)
    report = kr.export_tflite(light, tmp_path / "m.tflite", quantization="float32")
    assert np.allclose(scores(report.path, CLIPS), probabilities(model, CLIPS), atol=1e-4)


def two_inputs():
    inputs = [keras.Input(SHAPE), keras.Input(SHAPE)]
    x = keras.layers.Flatten()(keras.layers.Add()(inputs))
    return keras.Model(inputs, keras.layers.Dense(2)(x))


def nan_weights():
    model = small_model()
    model.layers[-1].bias.assign([np.nan, 0, 0])
    return model


def with_layer(layer, shape=SHAPE):
    inputs = keras.Input(shape)
    return keras.Model(inputs, keras.layers.Dense(2)(layer(inputs)))


def quantized():
    model = small_model()
    model.get_layer("fc1").quantize("int8")
    return model


BAD_MODELS = {
    "no model": (lambda: "model.keras", TypeError, "must be a `keras.Model`"),
    "not built": (lambda: keras.Sequential([keras.layers.Dense(2)]), ValueError, "not built"),
    "dynamic": (
        lambda: with_layer(keras.layers.GlobalAveragePooling1D(), (None, 8)),
        ValueError,
        "must be static.*None",
    ),
    "two inputs": (two_inputs, ValueError, "one input"),
    "rank 3 out": (lambda: with_layer(keras.layers.Dense(4)), ValueError, r"\(batch, classes\)"),
    "NaN weights": (nan_weights, ValueError, "NaN"),
    "integers in": (
        lambda: keras.Sequential(
            [
                keras.Input((20,), dtype="int32"),
                keras.layers.Embedding(5, 4),
                keras.layers.Flatten(),
                keras.layers.Dense(2),
            ]
        ),
        ValueError,
        "floating point",
    ),
    "softmax inside": (lambda: small_model(activation="softmax"), ValueError, "logits"),
    "recurrent": (lambda: with_layer(keras.layers.LSTM(4)), ValueError, "builtin operators"),
    "no TFLite operator": (
        lambda: with_layer(keras.layers.Lambda(lambda x: keras.ops.erfinv(x)[:, 0])),
        ValueError,
        "builtin operators.*Erfinv",
    ),
    "already quantized": (quantized, ValueError, "quantized by Keras already"),
}


@pytest.mark.parametrize("name", BAD_MODELS)
def test_bad_models(tmp_path, name):
    make, error, message = BAD_MODELS[name]
    target = tmp_path / "m.tflite"
    target.write_bytes(b"old")
    with pytest.raises(error, match=message):
        kr.export_tflite(make(), target, representative_data=CLIPS)
    assert target.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [target]


def replaced(value, index=(0, 0, 0)):
    clips = CLIPS.copy()
    clips[index] = value
    return clips


BAD_OPTIONS = {
    "kind": ({"quantization": "int4"}, ValueError, "quantization='int4'"),
    "no data": ({"representative_data": None}, ValueError, "needs `representative_data`"),
    "data of another shape": ({"representative_data": CLIPS[:, :5]}, ValueError, r"\(5, 8\)"),
    "one clip, not a list": ({"representative_data": CLIPS[0]}, ValueError, r"\(8,\)"),
    "no clips": ({"representative_data": CLIPS[:0]}, ValueError, "at least one"),
    "NaN": ({"representative_data": replaced(np.nan)}, ValueError, "NaN or infinity in clip 0"),
    "infinity": ({"representative_data": replaced(np.inf)}, ValueError, "NaN or infinity"),
    "zeros": ({"representative_data": 0 * CLIPS}, ValueError, "zeros alone"),
    "integers": ({"representative_data": CLIPS.astype("int16")}, TypeError, "int16"),
    "a path": ({"representative_data": "clips"}, TypeError, "str"),
    "a number": ({"representative_data": 3}, TypeError, "int"),
    "too few labels": ({"labels": ["a", "b"]}, ValueError, "3 classes.*2 labels"),
    "labels twice": ({"labels": ["a", "b", "a"]}, ValueError, "distinct.*'a'"),
    "labels as text": ({"labels": "abc"}, TypeError, "list of class names"),
    "empty label": ({"labels": ["a", "", "c"]}, ValueError, "empty"),
    "label of two lines": ({"labels": ["a", "b\nx", "c"]}, ValueError, "line"),
    "label no text": ({"labels": ["a", 2, "c"]}, TypeError, "string"),
    "rate of features": ({"sample_rate": 16000}, ValueError, "describes a waveform"),
    "name no text": ({"name": 3}, TypeError, "`name` must be a string"),
    "seconds of features": ({"clip_seconds": 1}, ValueError, "length of a waveform"),
    "no seconds": ({"clip_seconds": 0}, ValueError, "positive number of seconds"),
    "int8_full without data": (
        {"quantization": "int8_full", "representative_data": None},
        ValueError,
        '"int8_full" needs',
    ),
    "NaN without need": (
        {"quantization": "float16", "representative_data": replaced(np.nan)},
        ValueError,
        "NaN",
    ),
}


@pytest.mark.parametrize("name", BAD_OPTIONS)
def test_bad_options(tmp_path, name):
    options, error, message = BAD_OPTIONS[name]
    with pytest.raises(error, match=message):
        kr.export_tflite(
            small_model(), tmp_path / "m.tflite", **{"representative_data": CLIPS, **options}
        )
    assert not list(tmp_path.iterdir())


def any_length():
    """Waveform of any length to logits."""
    inputs = keras.Input((None,))
    x = keras.layers.Conv1D(8, 64, strides=32, activation="relu")(inputs[:, :, None])
    return keras.Model(inputs, keras.layers.Dense(2)(keras.layers.GlobalAveragePooling1D()(x)))


def test_clip_seconds(tmp_path):
    model, path = any_length(), tmp_path / "m.tflite"
    waves = np.random.default_rng(0).uniform(-0.5, 0.5, (3, 2000)).astype("float32")
    options = {"quantization": "float32", "sample_rate": 8000}
    report = kr.export_tflite(model, path, clip_seconds=0.25, **options)
    assert report.input_shape == (1, 2000)
    assert np.allclose(scores(path, waves), probabilities(model, waves), atol=1e-5)
    for seconds, message in ((None, r"static.*clip_seconds="), (1e-9, "any number of samples")):
        with pytest.raises(ValueError, match=message):
            kr.export_tflite(model, path, clip_seconds=seconds, **options)


def test_wrong_waveform(tmp_path):
    wave_model = with_layer(kr.audio.LogMel(), (16000,))
    wave_model = keras.Model(wave_model.inputs, wave_model.outputs[0][:, 0])
    for options, message in (
        ({"sample_rate": 8000}, "16000 Hz"),
        ({"sample_rate": -1}, "16000 Hz"),
        ({"clip_seconds": 2}, "takes, 16000 samples at 16000 Hz.*clip_seconds=2"),
        ({"clip_seconds": True}, "positive number of seconds"),
        ({"quantization": "int8_full"}, "takes features.*waveform.*front end"),
    ):
        with pytest.raises(ValueError, match=message):
            kr.export_tflite(
                wave_model, tmp_path / "m.tflite", **{"quantization": "float32", **options}
            )


def test_bad_paths(tmp_path, monkeypatch):
    model = small_model()
    (tmp_path / "file").write_text("")
    (tmp_path / "folder.tflite").mkdir()
    for path, error, message in (
        (tmp_path / "m.bin", ValueError, "end with '.tflite'"),
        (tmp_path / "none" / "m.tflite", FileNotFoundError, "no directory"),
        (tmp_path / "file" / "m.tflite", FileNotFoundError, "no directory"),
        (tmp_path / "folder.tflite", IsADirectoryError, "directory"),
        (3, TypeError, "must be a path"),
    ):
        with pytest.raises(error, match=message):
            kr.export_tflite(model, path, quantization="float32")
    monkeypatch.setattr(os, "access", lambda *arguments: False)
    with pytest.raises(PermissionError, match="can't be written"):
        kr.export_tflite(model, tmp_path / "m.tflite", quantization="float32")


def test_full_disk_leaves_the_old_file(tmp_path, monkeypatch):
    target = tmp_path / "m.tflite"
    target.write_bytes(b"old")

    def full(*arguments):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        kr.export_tflite(small_model(), target, quantization="float32")
    assert target.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [target]


def test_other_backends(tmp_path, monkeypatch):
    monkeypatch.setattr(keras.config, "backend", lambda: "torch")
    with pytest.raises(ValueError, match=r"TensorFlow or JAX.*backend='torch'"):
        kr.export_tflite(small_model(), tmp_path / "m.tflite", quantization="float32")


JAX = """
import sys, keras, numpy as np, keras_reparam as kr
from pathlib import Path
folder = Path(sys.argv[1])
keras.utils.set_random_seed(0)
inputs = keras.Input((20, 8))
x = kr.audio.SpecAugment(frequency_width=4)(inputs)
x = keras.layers.GlobalAveragePooling1D()(keras.layers.Dense(16, activation="relu")(x))
model = keras.Model(inputs, keras.layers.Dense(2)(x), name="net")
model.save(folder / "model.keras")
clips = np.random.default_rng(0).normal(size=(5, 20, 8)).astype("float32")
from keras_reparam.deploy.conversion import export
# One process converts for all kinds: it takes seconds to start.
float_model = export.convert(model, (20, 8))
export.convert = lambda *arguments: float_model
for kind in export.KINDS:
    path = folder / f"{kind}.tflite"
    report = kr.export_tflite(model, path, quantization=kind, representative_data=clips)
np.save(folder / "expected.npy", keras.ops.softmax(model(clips)))
"""


@pytest.mark.slow
def test_export_under_jax_gives_the_same_bytes(run_python, tmp_path):
    child = run_python("-c", JAX, tmp_path, env={"KERAS_BACKEND": "jax", "PYTHONHASHSEED": "7"})
    assert (child.returncode, child.stdout) == (0, ""), child.stderr
    clips = np.random.default_rng(0).normal(size=(5, 20, 8)).astype("float32")
    expected = np.load(tmp_path / "expected.npy")
    model = keras.saving.load_model(tmp_path / "model.keras")
    reference = convert(model, (20, 8))
    metadata = TFLiteMetadata(name="net")
    for kind in KINDS:
        path = tmp_path / f"{kind}.tflite"
        bound = 0.1 if kind == "int4_dynamic" else 0.02
        assert np.allclose(scores(path, clips), expected, atol=bound)
        here = quantize(reference, kind, clips)
        about = dataclasses.replace(metadata, quantization=kind, runtime=sub_byte_runtime(here))
        assert path.read_bytes() == pack_with_metadata(here, about)


@pytest.mark.slow
def test_a_failing_child_is_one_clear_error(tmp_path, monkeypatch):
    monkeypatch.setattr(keras.config, "backend", lambda: "jax")
    monkeypatch.setattr(sys, "executable", sys.executable + "-missing-module")
    with pytest.raises(OSError, match="missing-module"):
        kr.export_tflite(small_model(), tmp_path / "m.tflite", quantization="float32")

    @keras.saving.register_keras_serializable("tests_deploy")
    class OnlyHere(keras.layers.Layer):
        def call(self, inputs):
            return inputs[:, 0]

    monkeypatch.undo()
    monkeypatch.setattr(keras.config, "backend", lambda: "jax")
    with pytest.raises(ValueError, match="OnlyHere"):
        kr.export_tflite(with_layer(OnlyHere()), tmp_path / "m.tflite", quantization="float32")
    assert not list(tmp_path.iterdir())
