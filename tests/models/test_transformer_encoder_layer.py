"""Attention and the encoder layer against loops in NumPy."""

import keras
import numpy as np
import pytest

from keras_reparam.models.masked_mean_pooling import MaskedMeanPooling
from keras_reparam.models.multi_head_self_attention import MultiHeadSelfAttention
from keras_reparam.models.sinusoidal_positions import SinusoidalPositions
from keras_reparam.models.transformer_encoder_layer import TransformerEncoderLayer

X = np.random.default_rng(3).standard_normal((3, 9, 12)).astype("float32")
MASK = np.array([[True] * 9, [True] * 4 + [False] * 5, [False, True, True] * 3])


@pytest.mark.parametrize("norm_first", [False, True])
@pytest.mark.parametrize("masked", [False, True])
def test_encoder_layer_is_the_reference(reference, randomized, norm_first, masked):
    layer = TransformerEncoderLayer(
        12, num_heads=3, feed_forward_units=20, dropout=0.5, norm_first=norm_first
    )
    layer.build((None, 9, 12))
    randomized(layer)
    mask = MASK if masked else None
    outputs = np.array(layer(X, mask=mask))
    for x, valid, y in zip(X, MASK if masked else np.ones_like(MASK), outputs, strict=True):
        np.testing.assert_allclose(y, reference.encoder_layer(layer, x, valid), atol=1e-5)


def test_attention_is_the_reference(reference, randomized):
    layer = MultiHeadSelfAttention(12, num_heads=4)
    layer.build((None, 9, 12))
    randomized(layer)
    outputs = np.array(layer(X, mask=MASK))
    for x, valid, y in zip(X, MASK, outputs, strict=True):
        np.testing.assert_allclose(y, reference.attention(layer, x, valid), atol=1e-5)


def test_attention_is_that_of_keras(randomized):
    layer = MultiHeadSelfAttention(12, num_heads=3)
    layer.build((None, 9, 12))
    randomized(layer)
    theirs = keras.layers.MultiHeadAttention(3, 4)
    theirs.build(X.shape, X.shape)
    kernel, bias = (np.array(x) for x in (layer.qkv.kernel, layer.qkv.bias))
    output_kernel = np.array(layer.output_projection.kernel).reshape(3, 4, 12)
    weights = []
    for i in range(3):
        part = slice(12 * i, 12 * (i + 1))
        weights += [kernel[:, part].reshape(12, 3, 4), bias[part].reshape(3, 4)]
    # Keras orders its projections query, key, value, output.
    theirs.set_weights([*weights, output_kernel, np.array(layer.output_projection.bias)])
    expected = theirs(X, X, attention_mask=MASK[:, None, :])
    np.testing.assert_allclose(np.array(layer(X, mask=MASK)), np.array(expected), atol=1e-5)


def test_nothing_valid_is_finite():
    layer = TransformerEncoderLayer(12, num_heads=3, feed_forward_units=20)
    assert np.isfinite(np.array(layer(X, mask=np.zeros((3, 9), bool)))).all()
    pooled = np.array(MaskedMeanPooling()(X, mask=np.zeros((3, 9), bool)))
    np.testing.assert_array_equal(pooled, 0)


def test_pooling_is_the_mean_of_the_valid_frames():
    expected = [x[valid].mean(axis=0) for x, valid in zip(X, MASK, strict=True)]
    np.testing.assert_allclose(np.array(MaskedMeanPooling()(X, mask=MASK)), expected, atol=1e-6)
    np.testing.assert_allclose(np.array(MaskedMeanPooling()(X)), X.mean(axis=1), atol=1e-6)


def test_dropout_in_training_alone():
    layer = TransformerEncoderLayer(12, num_heads=3, feed_forward_units=20, dropout=0.5)
    np.testing.assert_array_equal(np.array(layer(X)), np.array(layer(X, training=False)))
    assert np.abs(np.array(layer(X, training=True)) - np.array(layer(X))).max() > 1e-3


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
def test_mixed_precision(policy):
    plain = TransformerEncoderLayer(12, num_heads=3, feed_forward_units=20)
    expected = np.array(plain(X, mask=MASK))
    layer = TransformerEncoderLayer(12, num_heads=3, feed_forward_units=20, dtype=policy)
    layer.build((None, 9, 12))
    layer.set_weights(plain.get_weights())
    outputs = layer(X, mask=MASK)
    assert keras.backend.standardize_dtype(outputs.dtype) == policy.removeprefix("mixed_")
    assert all(variable.dtype == "float32" for variable in layer.trainable_variables)
    outputs = np.array(keras.ops.cast(outputs, "float32"))
    np.testing.assert_allclose(outputs, expected, atol=0.02 if "b" not in policy else 0.1)


@pytest.mark.parametrize(
    "options",
    [
        {"units": 13},
        {"units": 0},
        {"num_heads": 5},
        {"num_heads": True},
        {"feed_forward_units": 1.5},
        {"dropout": 1.0},
        {"dropout": "0.1"},
    ],
    ids=str,
)
def test_bad_options(options):
    options = {"units": 12, "num_heads": 3, "feed_forward_units": 20, **options}
    with pytest.raises(ValueError, match="Received: "):
        TransformerEncoderLayer(options.pop("units"), **options)


def test_bad_widths():
    layer = TransformerEncoderLayer(8, num_heads=2, feed_forward_units=20)
    with pytest.raises(ValueError, match="width 8"):
        layer(X)
    with pytest.raises(ValueError, match="even width"):
        SinusoidalPositions()(X[:, :, :5])
