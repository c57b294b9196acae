"""The ConvTransformer against loops in NumPy, its policy, its weights, and bad input."""

import keras
import numpy as np
import pytest

import keras_reparam as kr
from keras_reparam.models import ConvTransformer
from tests.models.helpers import call, check_scores_vary

SMALL = {
    "num_classes": 3,
    "num_mels": 10,
    "channels": 3,
    "units": 8,
    "num_layers": 2,
    "num_heads": 2,
    "feed_forward_units": 12,
}
RNG = np.random.default_rng(1)
FEATURES = RNG.standard_normal((3, 23, 10)) + 3 * RNG.standard_normal((3, 1, 10))
FEATURES = FEATURES.astype("float32")
MASK = np.arange(23)[None, :] < np.array([[23], [14], [7]])


@pytest.mark.backend
@pytest.mark.parametrize(
    "options", [{}, {"norm_first": True}, {"pooling": "mean_std", "subsampling_factor": 2}], ids=str
)
def test_its_function_is_the_reference(reference, randomized, options):
    model = randomized(ConvTransformer(**SMALL, **options))
    pairs = zip(FEATURES, MASK, strict=True)
    expected = np.stack([reference.conv_transformer(model, x, valid) for x, valid in pairs])
    check_scores_vary(expected)
    np.testing.assert_allclose(call(model, FEATURES, MASK), expected, atol=1e-4)
    expected = reference.conv_transformer(model, FEATURES[0], np.ones(23, bool))
    np.testing.assert_allclose(call(model, FEATURES)[0], expected, atol=1e-4)


@pytest.mark.backend
def test_without_a_valid_frame_the_bias_is_left(randomized):
    model = randomized(ConvTransformer(**SMALL))
    logits = call(model, FEATURES, np.zeros((3, 23), bool))
    bias = np.array(model.get_layer("classifier").bias)
    np.testing.assert_allclose(logits, np.tile(bias, (3, 1)), atol=1e-6)


@pytest.mark.backend
def test_the_policy_is_part_of_the_file(tmp_path):
    model = kr.expand(ConvTransformer(**SMALL, dtype="mixed_float16", name="ser"), expansion=2)
    # The policy is part of the file, not of the process that reads it.
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert loaded.name == "ser"
    assert loaded.dtype_policy.name == "mixed_float16"
    assert loaded.get_layer("encoder_0").fc1.compute_dtype == "float16"
    assert isinstance(loaded.get_layer("encoder_0").fc1, kr.layers.HRFDense)


def test_the_global_policy_is_the_default():
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        model = ConvTransformer(**SMALL)
    finally:
        keras.config.set_dtype_policy(before)
    assert model.get_layer("encoder_1").fc2.compute_dtype == "bfloat16"


@pytest.mark.slow
def test_weights_load_into_a_model_of_another_length(tmp_path, randomized):
    model = randomized(kr.expand(ConvTransformer(**SMALL, frames=23), expansion=2))
    model.save_weights(tmp_path / "model.weights.h5")
    other = kr.expand(ConvTransformer(**SMALL), expansion=2)
    other.load_weights(tmp_path / "model.weights.h5")
    for first, second in zip(model.weights, other.weights, strict=True):
        np.testing.assert_array_equal(np.array(first), np.array(second))


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
        {"pooling": "max"},
        {"pooling": None},
        {"subsampling_factor": 3},
    ],
    ids=str,
)
def test_bad_options(options):
    with pytest.raises(ValueError, match="Received: "):
        ConvTransformer(**{**SMALL, **options})
