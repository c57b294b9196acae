"""The ConvTransformer: reference, mask, precision, files, and HRF."""

import keras
import numpy as np
import pytest

import keras_reparam as kr
from keras_reparam.layers import HRFDense
from keras_reparam.models import ConvTransformer

SMALL = {
    "num_classes": 3,
    "num_mels": 10,
    "channels": 3,
    "units": 8,
    "num_layers": 2,
    "num_heads": 2,
    "feed_forward_units": 12,
}
FEATURES = np.random.default_rng(1).standard_normal((3, 23, 10)).astype("float32")
MASK = np.arange(23)[None, :] < np.array([[23], [14], [7]])


def test_its_function_is_the_reference(reference, randomized):
    for norm_first in (False, True):
        model = randomized(ConvTransformer(**SMALL, norm_first=norm_first))
        logits = np.array(model(FEATURES, mask=MASK))
        for x, valid, y in zip(FEATURES, MASK, logits, strict=True):
            expected = reference.conv_transformer(model, x, valid)
            np.testing.assert_allclose(y, expected, atol=1e-4)
    expected = reference.conv_transformer(model, FEATURES[0], np.ones(23, bool))
    np.testing.assert_allclose(np.array(model(FEATURES))[0], expected, atol=1e-4)


# Few shapes: JAX compiles every operation for each of them.
@pytest.mark.parametrize("frames", [1, 20, 21, 22])
def test_frames_after_the_clip_change_nothing(small, frames):
    zeros = 23 - frames
    clip = np.random.default_rng(frames).standard_normal((1, frames, 10)).astype("float32")
    longer = np.pad(clip, ((0, 0), (0, zeros), (0, 0)), constant_values=-13.8)
    expected = np.array(small(clip))
    mask = np.arange(frames + zeros)[None, :] < frames
    np.testing.assert_allclose(np.array(small(longer, mask=mask)), expected, atol=1e-5)
    # Without the mask they do: the test can tell.
    assert np.abs(np.array(small(longer)) - expected).max() > 1e-4


@pytest.fixture(scope="module")
def small(randomized):
    return randomized(ConvTransformer(**SMALL))


def test_no_valid_frame_is_finite(small):
    logits = np.array(small(FEATURES, mask=np.zeros((3, 23), bool)))
    bias = np.array(small.get_layer("classifier").bias)
    np.testing.assert_allclose(logits, np.tile(bias, (3, 1)), atol=1e-6)


def test_training_on_clips_without_a_valid_frame_stays_finite():
    features, mask = keras.Input((23, 10)), keras.Input((23,), dtype="bool")
    model = keras.Model([features, mask], ConvTransformer(**SMALL, frames=23)(features, mask=mask))
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(2e-2), loss)
    data = (FEATURES, MASK & np.array([[True], [False], [True]]))
    history = model.fit(data, np.array([0, 1, 2]), epochs=15, verbose=0).history["loss"]
    assert np.isfinite(history).all()
    assert history[-1] < 0.8 * history[0]


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
def test_mixed_precision(small, policy, tmp_path):
    model = ConvTransformer(**SMALL, dtype=policy)
    model.set_weights(small.get_weights())
    logits = model(FEATURES, mask=MASK)
    assert keras.backend.standardize_dtype(logits.dtype) == "float32"
    tolerance = 0.02 if policy == "mixed_float16" else 0.15
    expected = np.array(small(FEATURES, mask=MASK))
    np.testing.assert_allclose(np.array(logits), expected, atol=tolerance)
    # The policy is part of the file, not of the process that reads it.
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert loaded.dtype_policy.name == policy
    assert loaded.get_layer("encoder_0").fc1.compute_dtype == policy.removeprefix("mixed_")


def test_the_global_policy_is_the_default():
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        model = ConvTransformer(**SMALL)
    finally:
        keras.config.set_dtype_policy(before)
    assert model.get_layer("encoder_1").fc2.compute_dtype == "bfloat16"


@pytest.mark.parametrize("expansion", [None, 2])
def test_file_round_trip(tmp_path, randomized, expansion):
    def make(**options):
        light = ConvTransformer(**SMALL, **options)
        return light if expansion is None else kr.expand(light, expansion=expansion)

    model = randomized(make(frames=23, name="ser"))
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert isinstance(loaded, ConvTransformer)
    assert loaded.get_config() == model.get_config()
    assert loaded.name == "ser"
    expected = np.array(model(FEATURES, mask=MASK))
    np.testing.assert_array_equal(np.array(loaded(FEATURES, mask=MASK)), expected)
    model.save_weights(tmp_path / "model.weights.h5")
    other = make()
    other.load_weights(tmp_path / "model.weights.h5")
    np.testing.assert_allclose(np.array(other(FEATURES, mask=MASK)), expected, atol=1e-5)


def shapes(model):
    return [(variable.path.split("/", 1)[-1], tuple(variable.shape)) for variable in model.weights]


def test_created_with_expansion_is_what_expand_makes():
    light = kr.models.create("conv_transformer", **SMALL, frames=23)
    created = kr.models.create("conv_transformer", **SMALL, frames=23, expansion=2)
    expanded = kr.expand(light, expansion=2)
    for model in (created, expanded):
        for i in range(2):
            assert isinstance(model.get_layer(f"encoder_{i}").fc1, HRFDense)
            assert type(model.get_layer(f"encoder_{i}").fc2) is keras.layers.Dense
    assert shapes(created) == shapes(expanded)
    np.testing.assert_allclose(
        np.array(expanded(FEATURES, mask=MASK)), np.array(light(FEATURES, mask=MASK)), atol=1e-5
    )


def test_merged_it_is_the_light_model(randomized, tmp_path):
    created = randomized(kr.expand(ConvTransformer(**SMALL, frames=23), expansion=2))
    light = kr.merge(created)
    assert type(light) is ConvTransformer
    assert shapes(light) == shapes(ConvTransformer(**SMALL, frames=23))
    expected = np.array(created(FEATURES, mask=MASK))
    np.testing.assert_allclose(np.array(light(FEATURES, mask=MASK)), expected, atol=1e-4)
    light.save(tmp_path / "light.keras")
    loaded = keras.saving.load_model(tmp_path / "light.keras")
    np.testing.assert_allclose(np.array(loaded(FEATURES, mask=MASK)), expected, atol=1e-4)


@pytest.mark.parametrize(
    "options",
    [
        {"num_classes": 0},
        {"num_mels": -1},
        {"frames": 0},
        {"frames": 1.5},
        {"channels": 0},
        {"units": 9},
        {"units": 2},
        {"units": 8.0},
        {"num_heads": 3},
        {"num_layers": 0},
        {"feed_forward_units": "many"},
        {"dropout": -0.1},
    ],
    ids=str,
)
def test_bad_options(options):
    with pytest.raises(ValueError, match="Received: "):
        ConvTransformer(**{**SMALL, **options})


def test_bad_input():
    model = ConvTransformer(**SMALL, frames=23)
    with pytest.raises(ValueError, match="shape"):
        model(FEATURES[:, :20])
    with pytest.raises(ValueError, match="shape"):
        model(FEATURES[:, :, :9])
