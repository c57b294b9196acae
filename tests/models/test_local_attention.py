"""Attention within windows of time, global layers among them, and aggregated features."""

import keras
import numpy as np
import pytest

import keras_reparam as kr
from keras_reparam.models.multi_head_self_attention import MultiHeadSelfAttention
from keras_reparam.models.relative_self_attention import RelativeSelfAttention
from tests.marks import slow_but
from tests.models.helpers import call, check_scores_vary, softmax

FRAMES, MELS = 61, 12
SMALL = {"num_classes": 3, "num_mels": MELS, "frames": FRAMES, "num_layers": 3, "channels": 3}
SMALL |= {"units": 12, "num_heads": 3, "feed_forward_units": 14, "dropout": 0.0}
# 61 frames are 16 behind the convolutions: windows of 6, 6 and 4.
LOCAL = {"num_windows": 3, "global_layers": (1,), "feature_layers": (0, 2)}
CLASSES = {
    "conv_transformer": kr.models.ConvTransformer,
    "conformer": lambda **options: kr.models.Conformer(kernel_size=5, **options),
}
RNG = np.random.default_rng(4)
FEATURES = RNG.standard_normal((3, FRAMES, MELS)) + 2 * RNG.standard_normal((3, 1, MELS))
FEATURES = FEATURES.astype("float32")
# The second clip leaves the last window empty, the third all but the first.
MASK = np.arange(FRAMES)[None, :] < np.array([[FRAMES], [38], [9]])


@pytest.fixture(scope="module", params=sorted(CLASSES))
def model(request, randomized, sharpened):
    keras.utils.set_random_seed(5)
    found = sharpened(randomized(CLASSES[request.param](**SMALL, **LOCAL)), FEATURES)
    check_scores_vary(softmax(call(found, FEATURES)))
    return found


def with_config(model, **options):
    """A model of other options with the same weights."""
    other = type(model).from_config({**model.get_config(), **options})
    other.set_weights(model.get_weights())
    return other


@pytest.mark.backend
@pytest.mark.parametrize("kind", [MultiHeadSelfAttention, RelativeSelfAttention])
@pytest.mark.parametrize("length", slow_but([1, 4, 5, 11, 12, 40], 1, 11, 40))
def test_windows_are_a_block_diagonal_mask(randomized, kind, length):
    """The last window is whole, or shorter, or the only one."""
    local, plain = (kind(8, num_heads=2, block_length=each) for each in (length, None))
    x = RNG.standard_normal((3, 12, 8)).astype("float32")
    mask = np.array([[True] * 12, [True] * 7 + [False] * 5, [False, True, True] * 4])
    plain(x), local(x)
    local.set_weights(randomized(plain).get_weights())
    window = np.arange(12) // length
    for given in (None, mask):
        valid = np.ones_like(mask) if given is None else given
        # Row by row of the block-diagonal mask.
        rows = [call(plain, x, valid & (window == w)) for w in range(window.max() + 1)]
        expected = np.stack([rows[w][:, t] for t, w in enumerate(window)], axis=1)
        found = call(local, x, given)
        assert np.isfinite(found).all()
        # What an invalid frame gets, nobody looks at.
        np.testing.assert_allclose(found[valid], expected[valid], atol=2e-6)
    assert length >= 12 or np.abs(call(local, x) - call(plain, x)).max() > 1e-2


@pytest.mark.backend
def test_frames_after_the_clip_change_nothing(randomized):
    """However many, and without a mask of the clip's own; of any length when it is compiled."""
    layer = MultiHeadSelfAttention(8, num_heads=2, block_length=5)
    x = RNG.standard_normal((2, 7, 8)).astype("float32")
    layer(x)
    expected = call(randomized(layer), x)
    for added in (1, 3, 20):
        longer = np.pad(x, ((0, 0), (0, added), (0, 0)), constant_values=9)
        mask = np.tile(np.arange(7 + added) < 7, (2, 1))
        np.testing.assert_allclose(call(layer, longer, mask)[:, :7], expected, atol=1e-6)
    inputs = keras.Input((None, 8))
    predicted = keras.Model(inputs, layer(inputs)).predict(x, verbose=0)
    np.testing.assert_allclose(predicted, expected, atol=1e-6)


# A Conformer takes three times as long as a ConvTransformer, whose windows are the same.
quick = pytest.mark.parametrize(
    "model", slow_but(sorted(CLASSES), "conv_transformer"), indirect=True
)


@pytest.mark.backend
@quick
@pytest.mark.slow
def test_windows_of_a_backbone(model):
    # One window, or global layers alone, are the backbone as it was.
    everywhere = with_config(model, num_windows=1)
    expected = call(everywhere, FEATURES, MASK)
    all_global = with_config(model, global_layers=(0, 1, 2))
    np.testing.assert_array_equal(call(all_global, FEATURES, MASK), expected)
    found = call(model, FEATURES, MASK)
    assert np.abs(found - expected).max() > 1e-3
    assert np.abs(call(with_config(model, global_layers=()), FEATURES, MASK) - found).max() > 1e-3
    # Within the first window there is no other.
    np.testing.assert_allclose(found[2], expected[2], atol=1e-5)
    # What lies behind a clip, in windows that are empty too, changes nothing.
    other = np.where(MASK[:, :, None], FEATURES, 50.0).astype("float32")
    np.testing.assert_allclose(call(model, other, MASK), found, atol=1e-5)
    assert np.isfinite(call(model, FEATURES, np.zeros_like(MASK))).all()


@pytest.mark.backend
def test_features_are_concatenated_and_projected(model):
    block = "encoder" if isinstance(model, kr.models.ConvTransformer) else "block"
    layers = [model.get_layer(f"{block}_{i}") for i in (0, 2)]
    dense = model.get_layer("feature_aggregation").projection
    outputs = [layer.output for layer in (*layers, model.get_layer("feature_aggregation"))]
    first, last, found = map(np.array, keras.Model(model.input, outputs)(FEATURES))
    both = np.concatenate([first, last], axis=-1)
    expected = both @ np.array(dense.kernel) + np.array(dense.bias)
    np.testing.assert_allclose(found, expected, atol=1e-4)


@pytest.mark.backend
@pytest.mark.slow
def test_expanded_trained_saved_and_merged(model, tmp_path):
    train = kr.expand(model, expansion=2)
    assert len(train.get_config()["sites"]) == 3 * (2 if "block_0" in str(train.layers) else 1)
    train.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    assert np.isfinite(train.train_on_batch(FEATURES, np.arange(3)))
    light = kr.merge(train)
    assert light.get_config() == model.get_config() | {"name": light.name}
    expected = call(train, FEATURES, MASK)
    np.testing.assert_allclose(call(light, FEATURES, MASK), expected, atol=1e-4)
    light.save(tmp_path / "light.keras")
    loaded = keras.saving.load_model(tmp_path / "light.keras")
    assert loaded.get_config() == light.get_config()
    assert (loaded.num_windows, loaded.global_layers, loaded.feature_layers) == (3, (1,), (0, 2))
    np.testing.assert_array_equal(call(loaded, FEATURES, MASK), call(light, FEATURES, MASK))


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="converts in TensorFlow")
@quick
@pytest.mark.slow
def test_file_has_builtin_operators_and_no_shape_of_its_own(model, emodb4):
    from keras_reparam.deploy.conversion.convert import convert
    from keras_reparam.deploy.runtime.runtime import Runtime
    from keras_reparam.deploy.tflite.tflite_graph import TFLiteGraph

    clip = kr.audio.load(emodb4 / "audio" / "03a01Fa.ogg")[4000 : 4000 + FRAMES * 160]
    clips = np.stack([clip, clip])
    clips[1, 4000:] = 0
    log_mel = kr.audio.LogMel(num_mels=MELS)
    log_mel.adapt(clips)
    wave = kr.models.with_front_end(model, log_mel)
    content = convert(wave, wave.input_shape[1:]).content
    names = {operator.name for operator in TFLiteGraph(content).operators}
    assert not [name for name in names if name.startswith("CUSTOM")]
    assert not names & {"SHAPE", "PACK", "RANGE", "FILL", "WHILE", "IF", "GATHER", "GATHER_ND"}
    expected = softmax(call(wave, clips))
    found = np.stack([Runtime(content)(clip) for clip in clips])
    np.testing.assert_allclose(found, expected, atol=1e-5)
    assert np.abs(expected[0] - expected[1]).max() > 1e-3


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"num_windows": 0}, "`num_windows` must be"),
        ({"num_windows": 2.5}, "`num_windows` must be"),
        ({"num_windows": 17}, "at most the 16 frames.*Received: num_windows=17"),
        ({"num_windows": 2, "frames": None}, "needs `frames`"),
        ({"global_layers": (3,)}, "from 0 to 2. Received"),
        ({"global_layers": (-1,)}, "from 0 to 2. Received"),
        ({"global_layers": 1}, "must be a tuple"),
        ({"global_layers": (True,)}, "must be a tuple"),
        ({"global_layers": (1, 1)}, "different"),
        ({"feature_layers": ()}, "must be a tuple"),
        ({"feature_layers": (0, 3)}, "from 0 to 2. Received"),
        ({"feature_layers": (0, 1)}, "must hold the last layer, 2.*Received"),
    ],
    ids=str,
)
def test_bad_options(options, message):
    for made in CLASSES.values():
        with pytest.raises(ValueError, match=message):
            made(**{**SMALL, **options})
