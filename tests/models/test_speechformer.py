"""SpeechFormer: the published weights and numbers, windows and merges, and bad input."""

import json
from pathlib import Path

import keras
import numpy as np
import pytest

import keras_reparam as kr
from keras_reparam.models import SpeechFormer, load_reference_state
from keras_reparam.models.merge_block import MergeBlock
from keras_reparam.models.speechformer import merge_scales, window_lengths
from keras_reparam.models.time_blocks import pad_to_blocks
from keras_reparam.models.windowed_self_attention import WindowedSelfAttention
from tests.marks import slow_but
from tests.models.helpers import call, check_scores_vary

RNG = np.random.default_rng(4)


def small(**options):
    defaults = {"num_classes": 3, "num_mels": 17, "num_heads": 2, "num_layers": (1, 1, 1, 1)}
    return SpeechFormer(**{**defaults, "max_frames": 150, **options})


def trainable(model):
    return sum(int(np.prod(v.shape)) for v in model.trainable_variables)


@pytest.fixture(scope="module")
def published(shared_data):
    path = shared_data.parent / "reference" / "speechformer_s_logmel.npz"
    if not path.is_file():
        pytest.skip(f"no output of the reference implementation at {path}")
    with np.load(path) as file:
        return {name: file[name] for name in file.files}


def published_state(published):
    prefix = "state/"
    return {k.removeprefix(prefix): v for k, v in published.items() if k.startswith(prefix)}


@pytest.mark.slow
@pytest.mark.skipif(
    keras.backend.backend() != "tensorflow", reason="smaller cases run on every backend"
)
def test_published_outputs(published):
    config = json.loads(str(published["config"]))
    x, y, state = published["x"], published["y"], published_state(published)
    # Its two clips score almost alike: the head is scaled until they do not.
    scale = 0.1 / y.std(axis=0).min()
    y = scale * y
    check_scores_vary(y)
    for name in ("weight", "bias"):
        state[f"classifier.6.{name}"] = scale * state[f"classifier.6.{name}"]
    model = SpeechFormer(
        num_classes=config["num_classes"],
        num_mels=config["input_dim"],
        frames=x.shape[1],
        hop=config["hop"],
        num_layers=config["num_layers"],
        num_heads=config["num_heads"],
        feed_forward_units=config["ffn_embed_dim"],
    )
    load_reference_state(model, state)
    np.testing.assert_allclose(np.array(model(x)), y, atol=1e-4)
    # Zeros after it, masked, change nothing; as published, without a mask, they do.
    longer = np.pad(x, ((0, 0), (0, 60), (0, 0)))
    mask = np.repeat(np.arange(711)[None] < 651, 2, axis=0)
    for masked in (True, False):
        model = SpeechFormer(num_classes=4, frames=711, masked=masked)
        load_reference_state(model, {f"module.{key}": value for key, value in state.items()})
        difference = np.abs(np.array(model(longer, mask=mask)) - y).max()
        assert difference <= 1e-4 if masked else difference > 0.01


@pytest.fixture(scope="module")
def smaller():
    """Small cases of the published code (see make_speechformer_reference.py)."""
    with np.load(Path(__file__).with_name("speechformer_reference.npz")) as file:
        return {name: file[name] for name in file.files}


# Hops in units of 0.1 ms, and frames: odd and prime, fewer than a window or a merge block takes.
CASES = [("S", 50, 101), ("S", 50, 7), ("S", 100, 101), ("S", 100, 47), ("S", 100, 3)]
CASES += [("S", 100, 1), ("S", 125, 83), ("S", 200, 61), ("S", 200, 2), ("S", 250, 53)]
CASES += [("B", 50, 7), ("B", 100, 47), ("B", 200, 61)]


# JAX compiles each of them for seconds.
@pytest.mark.backend
@pytest.mark.parametrize(
    ("size", "hop", "frames"),
    slow_but(CASES, *CASES[::5]) if keras.backend.backend() == "tensorflow" else CASES[5::7],
)
def test_outputs_of_other_hops_widths_and_lengths(smaller, size, hop, frames):
    expected = smaller[f"{size}/{hop}/{frames}"]
    check_scores_vary(expected)
    prefix = f"{size}/state/"
    model = SpeechFormer(
        num_classes=3,
        num_mels=13,
        hop=hop / 10_000,
        num_heads=2,
        num_layers=(2, 1, 1, 1),
        widening={"S": (1, 1, 1), "B": (1, 1, 2)}[size],
        max_frames=101,
    )
    load_reference_state(
        model, {k.removeprefix(prefix): v for k, v in smaller.items() if k.startswith(prefix)}
    )
    np.testing.assert_allclose(call(model, smaller["x"][:, :frames]), expected, atol=1e-4)


@pytest.mark.parametrize(("size", "parameters"), [("S", 1_059_428), ("B", 2_095_300)])
def test_published_parameter_counts(size, parameters):
    model = kr.models.create("speechformer", size=size, num_classes=4, num_mels=128)
    assert trainable(model) == parameters
    assert model.get_layer("stage_1").table.shape == (2000, 128)


WINDOWS = [
    (0.01, (5, 9, 9, None), (5, 5, 4), [651, 131, 27, 7]),
    (0.02, (3, 11, 9, None), (2, 6, 4), [651, 326, 55, 14]),
    # By hand: 50, 400, 2000 and 50, 250, 1000 ms in hops of 5, 12.5, 16, 25 and 7 ms.
    (0.005, (11, 9, 9, None), (10, 5, 4), [397, 40, 8, 2]),
    (0.0125, (5, 9, 9, None), (4, 5, 4), [161, 41, 9, 3]),
    (0.016, (3, 9, 9, None), (3, 5, 4), [100, 34, 7, 2]),
    (0.025, (3, 9, 9, None), (2, 5, 4), [83, 42, 9, 3]),
    (0.007, (7, 9, 9, None), (7, 5, 4), [70, 10, 2, 1]),
    (0.05, (1, 9, 9, None), (1, 5, 4), [3, 3, 1, 1]),
]


@pytest.mark.parametrize(
    ("hop", "windows", "merges", "frames"),
    slow_but(WINDOWS, *WINDOWS[:3]),
)
def test_windows_and_merges(hop, windows, merges, frames):
    assert window_lengths(hop) == windows
    assert merge_scales(hop) == merges
    model = small(hop=hop, frames=frames[0], max_frames=700)
    stages = [model.get_layer(f"stage_{i + 1}") for i in range(4)]
    assert [stage.output.shape[1] for stage in stages] == frames
    assert tuple(stage.window for stage in stages) == windows


# Clips of their own colour: the mean of noise alone is the same for all.
FEATURES = RNG.standard_normal((3, 47, 17)) + 2 * RNG.standard_normal((3, 1, 17))
FEATURES = FEATURES.astype("float32")


@pytest.mark.backend
@pytest.mark.parametrize(
    "options",
    [
        {"frames": 47, "hop": 0.02, "widening": (2, 1, 3), "feed_forward_units": 6},
        {"hop": 0.02, "units": 12, "positions": "sinusoidal", "num_layers": (2, 1, 1, 1)},
    ],
    ids=["widening", "projection"],
)
def test_its_function_is_the_reference(reference, randomized, sharpened, options):
    """Masked, it is the published function of each clip alone."""
    model = sharpened(randomized(small(**options)), FEATURES)
    lengths = np.array([47, 30, 2])
    expected = [
        reference.speechformer(model, clip[:length], (3, 11, 9), (2, 6, 4))
        for clip, length in zip(FEATURES, lengths, strict=True)
    ]
    check_scores_vary(expected)
    found = call(model, FEATURES, np.arange(47)[None] < lengths[:, None])
    np.testing.assert_allclose(found, expected, atol=2e-5)


# With 16 features, all of them are taken.
@pytest.mark.backend
@pytest.mark.parametrize(
    ("masked", "mels"), slow_but([(True, 17), (False, 17), (False, 16)], (False, 17))
)
def test_without_a_mask_both_forms_are_one(randomized, masked, mels):
    x = FEATURES[:2, :30, :mels]
    model, other = randomized(small(num_mels=mels)), small(num_mels=mels, masked=masked)
    other.set_weights(model.get_weights())
    expected = call(model, x)
    np.testing.assert_allclose(call(other, x), expected, atol=1e-6)
    mask = np.repeat(np.arange(30)[None] < 20, 2, axis=0)
    ignored = np.abs(call(other, x, mask) - expected).max() < 1e-6
    assert ignored is not masked


OTHER = [(768, 0.02), (1024, 0.02), (512, 0.01), (161, 0.01)]


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="shapes are the same")
@pytest.mark.parametrize(("features", "hop"), slow_but(OTHER, OTHER[-1]))
def test_other_features(features, hop):
    """Of wav2vec, and spectra, of which 8 heads take 160; a feed-forward half as wide."""
    model = SpeechFormer(num_classes=4, num_mels=features, hop=hop, num_layers=(1, 1, 1, 1))
    width = features // 8 * 8
    assert model.get_layer("stage_1").units == width
    assert model.get_layer("stage_4").encoder_layers[0].fc1.units == width // 2
    assert model.get_layer("head_2").units == width // 4


@pytest.mark.backend
def test_a_window_that_holds_all_is_like_full_attention_with_zero_keys():
    x = RNG.standard_normal((2, 5, 8)).astype("float32")
    layer = WindowedSelfAttention(8, num_heads=2, window=41)
    layer.build((None, 5, 8))
    qkv = (x @ np.array(layer.qkv.kernel)).reshape(2, 5, 3, 2, 4)
    scores = np.einsum("bihw,bjhw->bhij", qkv[:, :, 0], qkv[:, :, 1]) / 2
    # 41 frames around each: the 5 of the clip and 36 zeros.
    weights = np.exp(scores) / (np.exp(scores).sum(axis=-1, keepdims=True) + 36)
    attended = np.einsum("bhij,bjhw->bihw", weights, qkv[:, :, 2]).reshape(2, 5, 8)
    expected = attended @ np.array(layer.output_projection.kernel)
    np.testing.assert_allclose(np.array(layer(x)), expected, atol=1e-5)


@pytest.mark.backend
def test_merge_passes_the_mask_on():
    x = RNG.standard_normal((2, 7, 4)).astype("float32")
    mask = np.array([[True] * 4 + [False] * 3, [False, False, False, True, False, False, True]])
    merge = MergeBlock(6, scale=3)
    merged = np.array(merge(x, mask=mask))
    valid = np.array(merge.compute_mask(x, mask))
    np.testing.assert_array_equal(valid, [[True, True, False], [False, True, True]])
    blocks = np.pad(x * mask[:, :, None], ((0, 0), (0, 2), (0, 0))).reshape(2, 3, 3, 4)
    expected = blocks.mean(axis=2) @ np.array(merge.projection.kernel)
    expected -= expected.mean(axis=-1, keepdims=True)
    expected /= np.sqrt((expected**2).mean(axis=-1, keepdims=True) + 1e-5)
    np.testing.assert_allclose(merged, expected, atol=1e-5)


@pytest.mark.backend
def test_blocks():
    x = np.arange(1, 8, dtype="float32").reshape(1, 7)
    padded, blocks = pad_to_blocks(x, 3, before=1, after=2)
    assert blocks == 3
    np.testing.assert_array_equal(np.array(padded)[0], [0, 1, 2, 3, 4, 5, 6, 7, 0, 0, 0, 0])


def test_too_many_frames_for_the_table():
    model = small(max_frames=20)
    with pytest.raises(ValueError, match="Received: 21 frames"):
        model(np.zeros((1, 21, 17), "float32"))


@pytest.mark.parametrize(
    "options",
    [
        {"num_classes": 0},
        {"num_mels": 0},
        {"num_mels": 3},
        {"frames": 0},
        {"frames": 151},
        {"hop": 0},
        {"hop": -0.01},
        {"hop": 0.051},
        {"hop": 10},
        {"hop": float("nan")},
        {"hop": "10 ms"},
        {"units": 9},
        {"units": 2},
        {"num_layers": (2, 2, 4)},
        {"num_layers": 4},
        {"num_layers": (2, 2, 4, 0)},
        {"num_heads": 0},
        {"num_heads": 18},
        {"feed_forward_units": 0},
        {"widening": (1, 1)},
        {"widening": (1, 1, 0.5)},
        {"dropout": 1},
        {"classifier_dropout": -1},
        {"positions": "learned"},
        {"max_frames": None},
    ],
    ids=str,
)
def test_bad_options(options):
    with pytest.raises(ValueError, match="Received: "):
        small(**options)


@pytest.mark.parametrize("window", [0, 4, 2.5])
def test_bad_windows(window):
    with pytest.raises(ValueError, match="Received: window="):
        WindowedSelfAttention(8, num_heads=2, window=window)


class TestBadState:
    @pytest.fixture
    def model(self):
        return small()

    def state(self, model):
        shapes = {
            key: variable.shape[::-1] if kernel else variable.shape
            for key, (variable, kernel) in kr.models.reference_state._targets(model).items()
        }
        return {key: np.ones(shape, "float32") for key, shape in shapes.items()}

    def check(self, model, state, message):
        before = [np.array(weight) for weight in model.weights]
        with pytest.raises(ValueError, match=message):
            load_reference_state(model, state)
        for weight, value in zip(model.weights, before, strict=True):
            np.testing.assert_array_equal(np.array(weight), value)

    def test_names_and_shapes(self, model):
        state = self.state(model)
        missing = {key: value for key, value in state.items() if key != "layers.3.fc.bias"}
        self.check(model, missing, "Missing: layers.3.fc.bias")
        self.check(model, {**state, "layers.0.layers.1.fc1.bias": 0}, "layers.0.layers.1.fc1.bias")
        wrong = {**state, "classifier.6.weight": np.ones((4, 4))}
        self.check(model, wrong, r"must have the shape \(3, 4\). Received: shape=\(4, 4\)")
        short = {**state, "layers.0.position": np.ones((149, 16))}
        self.check(model, short, "layers.0.position")

    def test_a_longer_table_of_positions_is_cut(self, model):
        table = RNG.standard_normal((160, 16)).astype("float32")
        load_reference_state(model, {**self.state(model), "layers.0.position": table})
        np.testing.assert_array_equal(np.array(model.get_layer("stage_1").table), table[:150])

    @pytest.mark.slow
    def test_models_without_counterpart(self, model):
        state = self.state(model)
        for options in ({"units": 16}, {"positions": "sinusoidal"}):
            self.check(small(**options), state, "units=None")
        self.check(kr.expand(model, expansion=2), state, "then expand it")
        with pytest.raises(TypeError, match="SpeechFormer"):
            load_reference_state(keras.Sequential([keras.layers.Dense(2)]), state)
