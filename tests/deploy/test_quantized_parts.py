"""What of a model is quantized, and what stays float, in models of all sorts."""

import numpy as np
import pytest

keras = pytest.importorskip("keras")
if keras.config.backend() != "tensorflow":
    pytest.skip("the other backend is tested from here", allow_module_level=True)

import keras_reparam as kr  # noqa: E402
from keras_reparam.deploy.conversion.convert import convert  # noqa: E402
from keras_reparam.deploy.conversion.quantize import quantize  # noqa: E402
from keras_reparam.deploy.inspection.inspect_model import inspect_content  # noqa: E402
from keras_reparam.deploy.runtime.runtime import Runtime  # noqa: E402
from keras_reparam.deploy.tflite.tflite_buffers import pack_model  # noqa: E402
from keras_reparam.deploy.tflite.tflite_graph import TFLiteGraph  # noqa: E402
from tests.marks import slow_but  # noqa: E402

layers, ops = keras.layers, keras.ops
SHAPE = (16, 24)


def normal(shape, seed=0, scale=1.0):
    return (scale * np.random.default_rng(seed).normal(size=shape)).astype("float32")


def head(x, classes=4):
    """Logits that differ from clip to clip."""
    return layers.Dense(classes, kernel_initializer=keras.initializers.Orthogonal(gain=4))(x)


def scores(content, inputs):
    runtime = Runtime(content)
    return np.array([runtime(example) for example in inputs])


def expected(model, inputs):
    return np.asarray(ops.softmax(model(inputs, training=False)))


def top1_agreement(model, kind, inputs):
    """Share of the inputs, of which the first half calibrates, with Keras's own best class."""
    content = pack_model(quantize(convert(model), kind, inputs[: len(inputs) // 2]))
    found, own = scores(content, inputs), expected(model, inputs)
    assert own.std(axis=0).max() > 0.05
    return np.mean(found.argmax(axis=1) == own.argmax(axis=1)), content


def int8_share(graph):
    """int8 bytes among those of all constants that are real numbers."""
    constants = graph.constants(range(len(graph.operators)))
    sizes = dict.fromkeys(("float32", "float16", "int16", "int8"), 0)
    for tensor in constants:
        if tensor.dtype in sizes:
            sizes[tensor.dtype] += tensor.data_bytes
    return sizes["int8"] / sum(sizes.values())


def log_mean_exp(x):
    return ops.log(ops.mean(ops.exp(x), axis=1) + 1e-6)


def softplus(x):
    return ops.mean(ops.softplus(x), axis=1)


def mish(x):
    return ops.mean(x * ops.tanh(ops.log(1 + ops.exp(x))), axis=1)


def late_logarithm(pool, *, frozen):
    """A network on a waveform with a logarithm late in it."""
    inputs = keras.Input((640,))
    x = layers.Reshape((40, 16))(inputs)
    for width in (96, 64):
        x = layers.Dense(width, activation="relu")(x)
    body = keras.Model(inputs, pool(x), name="body")
    body.trainable = not frozen
    outputs = keras.Input((640,))
    return keras.Model(outputs, head(layers.Dense(64, activation="relu")(body(outputs))))


@pytest.mark.parametrize(
    ("pool", "frozen"),
    slow_but(
        [(log_mean_exp, False), (softplus, True), (mish, False)],
        *((log_mean_exp, False), (softplus, True)),
    ),
)
def test_a_logarithm_late_in_the_network_makes_no_front_end(tmp_path, pool, frozen):
    model = late_logarithm(pool, frozen=frozen)
    waves = normal((40, 640), scale=0.5)
    report = kr.export_tflite(model, tmp_path / "m.tflite", representative_data=waves)
    graph = TFLiteGraph(report.path.read_bytes())
    assert not graph.front_end and report.front_end_bytes == 0
    assert int8_share(graph) >= 0.85
    assert report.int8_share == pytest.approx(int8_share(graph))
    assert report.top1_agreement >= 0.95


@keras.saving.register_keras_serializable("tests_deploy")
class OwnFrontEnd(layers.Layer):
    """Log-energies of frames, by fixed matrices."""

    def call(self, waves):
        frames = ops.reshape(waves, (-1, 40, 16))
        turns = 2 * np.pi * np.outer(np.arange(16), np.arange(8)) / 16
        power = sum(ops.square(ops.matmul(frames, m.astype("float32"))) for m in _parts(turns))
        return ops.log(power + 1e-3)


def _parts(turns):
    return np.cos(turns), np.sin(turns)


def front_ends():
    inputs = keras.Input((640,))
    denoised = layers.Reshape((640,))(
        layers.Conv1D(1, 9, padding="same")(layers.Reshape((640, 1))(inputs))
    )
    log_mel = kr.audio.LogMel(num_mels=8, name="hears")
    level = kr.audio.LogMel(num_mels=8, level_normalization=True, remove_dc_offset=True)
    return {
        "own layer": (inputs, OwnFrontEnd(name="mine")(inputs)),
        "with a name": (inputs, kr.audio.LogMel(num_mels=8, name="hears")(inputs)),
        "behind a network": (inputs, log_mel(denoised)),
        "without level": (inputs, level(inputs)),
    }


@pytest.mark.parametrize(
    "name",
    slow_but(["own layer", "with a name", "behind a network", "without level"], "behind a network"),
)
def test_front_ends_stay_float(tmp_path, name):
    inputs, features = front_ends()[name]
    x = layers.Dense(64, activation="relu")(features)
    x = layers.Dense(64, activation="relu")(x)
    model = keras.Model(inputs, head(log_mean_exp(x)))
    waves = normal((24, 640), scale=0.3) * np.geomspace(0.02, 1, 24)[:, None].astype("float32")
    report = kr.export_tflite(
        model, tmp_path / "m.tflite", representative_data=waves, sample_rate=16000
    )
    graph = TFLiteGraph(report.path.read_bytes())
    names = {graph.operators[i].name for i in graph.front_end}
    assert "LOG" in names and names & {"FULLY_CONNECTED", "BATCH_MATMUL"}
    assert not any(graph.is_int8(graph.operators[i]) for i in graph.front_end)
    # The network's own logarithm is none of it, nor is the one before the front end.
    assert sum(o.name == "LOG" for i, o in enumerate(graph.operators) if i in graph.backbone) == 1
    assert not any("CONV" in graph.operators[i].name for i in graph.front_end)
    assert report.int8_share >= 0.85 and report.top1_agreement >= 0.95


def test_two_branches_are_both_the_network(tmp_path):
    inputs = keras.Input((640,))
    spectral = layers.Dense(64, activation="relu")(kr.audio.LogMel(num_mels=8)(inputs))
    raw = layers.Dense(64, activation="relu")(layers.Reshape((10, 64))(inputs))
    both = [layers.GlobalAveragePooling1D()(x) for x in (spectral, raw)]
    model = keras.Model(inputs, head(layers.Concatenate()(both)))
    waves = normal((12, 640), scale=0.3)
    report = kr.export_tflite(model, tmp_path / "m.tflite", representative_data=waves)
    graph = TFLiteGraph(report.path.read_bytes())
    linear = [o for i, o in enumerate(graph.operators) if o.name == "FULLY_CONNECTED"]
    assert sum(map(graph.is_int8, linear)) == 3
    assert report.int8_share >= 0.85


def gain(x, table):
    """Times a constant of shape (time, band)."""
    return layers.Lambda(lambda t: t * table)(x)


def tables():
    """Model and inputs, of which each band and frame has a scale of its own."""
    rng = np.random.default_rng(3)
    spread = np.exp(rng.normal(0, 3, SHAPE)).astype("float32")
    clips = normal((80, *SHAPE), seed=4)
    inputs = keras.Input(SHAPE)
    normalised = layers.Normalization(axis=(1, 2), mean=40 * spread, variance=spread**2)
    flat = layers.Flatten()
    learnt = layers.Dense(24, activation="relu")
    return {
        "gain": (gain(inputs, 1 / spread), clips * spread),
        "normalization": (normalised(inputs), (clips + 40) * spread),
        "gain of what is learnt": (gain(learnt(inputs), spread ** (1 / 3)), clips),
    }, lambda x: keras.Model(inputs, head(layers.Dense(48, activation="relu")(flat(x))))


@pytest.mark.parametrize("kind", slow_but(["float16", "int8_dynamic", "int8"], "int8"))
@pytest.mark.parametrize("name", ["gain", "normalization", "gain of what is learnt"])
def test_tables_of_two_axes_keep_their_values(kind, name):
    keras.utils.set_random_seed(1)
    made, finish = tables()
    features, clips = made[name]
    assert top1_agreement(finish(features), kind, clips)[0] >= 0.97


def test_positions_are_int8():
    inputs = keras.Input(SHAPE)
    x = layers.Dense(32)(inputs)
    x = layers.Lambda(lambda t: t + normal((16, 32), scale=0.1))(x)
    model = keras.Model(inputs, head(layers.GlobalAveragePooling1D()(x)))
    for kind, share in (("int8", 0.85), ("int8_dynamic", 0.85)):
        graph = TFLiteGraph(pack_model(quantize(convert(model), kind, normal((4, *SHAPE)))))
        assert int8_share(graph) >= share


def unread():
    """Models with results that no operator reads."""
    inputs = keras.Input(SHAPE)
    first, _, last = ops.split(layers.Dense(48)(inputs), 3, axis=-1)
    split = layers.Flatten()(ops.concatenate([first, last], axis=-1))
    steps = ops.unstack(layers.Dense(32, activation="relu")(inputs), axis=1)
    return {
        "gru": layers.GRU(24, unroll=True)(inputs[:, :6]),
        "lstm": layers.LSTM(24, unroll=True)(inputs[:, :6]),
        "split": split,
        "unstack": steps[0] + steps[-1],
    }, lambda x: keras.Model(inputs, head(x))


@pytest.mark.parametrize("name", slow_but(["gru", "lstm", "split", "unstack"], "split"))
def test_results_that_nobody_reads(capfd, name):
    made, finish = unread()
    reference = convert(finish(made[name]))
    clips = normal((20, *SHAPE))
    for kind in ("int8_dynamic", "int8", "int8_full"):
        content = pack_model(quantize(reference, kind, clips))
        assert np.abs(scores(content, clips) - scores(reference.content, clips)).max() < 0.1, kind
        assert inspect_content(content, "m.tflite").kind == kind
    assert capfd.readouterr() == ("", "")


@pytest.mark.slow
def test_no_foreign_progress_bar_after_an_error(capfd, monkeypatch):
    from litert_quantizer.quantizer import Quantizer

    def fails(*arguments, **options):
        raise ValueError("no such kernel")

    monkeypatch.setattr(Quantizer, "quantize", fails)
    made, finish = unread()
    # From 100 operators on, the calibrator draws its bar.
    model = convert(finish(made["gru"]))
    assert len(model.graph.operators) > 90
    with pytest.raises(ValueError, match="no such kernel"):
        quantize(model, "int8", normal((2, *SHAPE)))
    assert "Calibration" not in capfd.readouterr().err


def attention(mask):
    """Self-attention whose scores matter, under a mask."""
    inputs = keras.Input(SHAPE)
    x = layers.Dense(32)(inputs)
    if isinstance(mask, str):
        attended = layers.MultiHeadAttention(2, 16)(x, x, use_causal_mask=True)
    else:
        query, key, value = (layers.Dense(32)(x) for _ in range(3))
        weights = ops.matmul(query, ops.transpose(key, (0, 2, 1))) / 4
        attended = ops.matmul(ops.softmax(weights + mask, axis=-1), value)
    x = layers.LayerNormalization()(layers.Add()([x, attended]))
    return keras.Model(inputs, head(layers.GlobalAveragePooling1D()(x)))


def additive(lowest, slope=0.0):
    """Causal, with what is added to a forbidden score, and a bias by distance."""
    distance = np.subtract.outer(np.arange(16), np.arange(16))
    return np.where(distance < 0, lowest, -slope * distance)[None].astype("float32")


@pytest.mark.parametrize(
    "mask",
    [
        "causal",
        *(pytest.param(additive(each), marks=pytest.mark.slow) for each in (-1e9, -1e4, -100.0)),
        additive(-1e9, slope=0.5),
    ],
    ids=["causal", "-1e9", "-1e4", "-100", "with a bias"],
)
def test_masks_in_int8_full(mask):
    keras.utils.set_random_seed(2)
    clips = 2 * normal((80, *SHAPE), seed=5)
    share, content = top1_agreement(attention(mask), "int8_full", clips)
    assert share >= 0.95
    graph = TFLiteGraph(content)
    linear = [o for o in graph.operators if o.name == "FULLY_CONNECTED"]
    assert all(map(graph.is_int8, linear)) and graph.is_int8(graph.operators[-1])
