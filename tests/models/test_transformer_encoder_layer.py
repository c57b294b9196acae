"""Attention, the encoder layer and the convolutional front against PyTorch and Keras."""

from pathlib import Path

import keras
import numpy as np
import pytest

from keras_reparam.models.conv_subsampling import ConvSubsampling
from keras_reparam.models.masked_mean_pooling import MaskedMeanPooling
from keras_reparam.models.multi_head_self_attention import MultiHeadSelfAttention
from keras_reparam.models.sinusoidal_positions import SinusoidalPositions
from keras_reparam.models.transformer_encoder_layer import TransformerEncoderLayer
from tests.models.helpers import call, check_scores_vary

X = np.random.default_rng(3).standard_normal((3, 9, 12)).astype("float32")
MASK = np.array([[True] * 9, [True] * 4 + [False] * 5, [False, True, True] * 3])


@pytest.fixture(scope="module")
def torch_reference():
    """Inputs, weights and outputs of PyTorch (see make_transformer_reference.py)."""
    with np.load(Path(__file__).with_name("transformer_reference.npz")) as file:
        return {name: file[name] for name in file.files}


@pytest.mark.backend
@pytest.mark.parametrize("kind", ["post", "pre"])
def test_encoder_layer_is_that_of_torch(torch_reference, kind):
    layer = TransformerEncoderLayer(
        16, num_heads=4, feed_forward_units=24, norm_first=kind == "pre"
    )
    layer.build((None, 11, 16))

    def assign(part, weight, bias):
        weight, bias = (torch_reference[f"{kind}/{name}"] for name in (weight, bias))
        part.set_weights([weight.T, bias])

    assign(layer.attention.qkv, "self_attn.in_proj_weight", "self_attn.in_proj_bias")
    output = layer.attention.output_projection
    assign(output, "self_attn.out_proj.weight", "self_attn.out_proj.bias")
    for part, name in (
        (layer.fc1, "linear1"),
        (layer.fc2, "linear2"),
        (layer.attention_norm, "norm1"),
        (layer.feed_forward_norm, "norm2"),
    ):
        assign(part, f"{name}.weight", f"{name}.bias")
    x = torch_reference["x"]
    for mask, name in ((None, "y"), (torch_reference["mask"], "y_masked")):
        expected = torch_reference[f"{kind}/{name}"]
        check_scores_vary(expected)
        np.testing.assert_allclose(call(layer, x, mask), expected, atol=1e-5)


@pytest.mark.backend
@pytest.mark.parametrize("frames", [21, 22])
def test_subsampling_is_that_of_torch(torch_reference, frames):
    """Also where the clip ends before the input does, with anything after it."""
    state = {
        name.removeprefix("front/"): value
        for name, value in torch_reference.items()
        if name.startswith("front/")
    }
    layer = ConvSubsampling(8, channels=3)
    layer.build((None, 29, 13))
    for part, i in zip(layer.convolutions, (0, 2), strict=True):
        weight = state[f"convolutions.{i}.weight"].transpose(2, 3, 1, 0)
        part.set_weights([weight, state[f"convolutions.{i}.bias"]])
    # Theirs flattens channel by channel, ours band by band.
    weight = state["out.weight"].reshape(8, 3, 4).transpose(2, 1, 0).reshape(12, 8)
    layer.projection.set_weights([weight, state["out.bias"]])
    expected = state[f"y_{frames}"]
    check_scores_vary(expected)
    clip = torch_reference["features"][:, :frames]
    longer = np.pad(clip, ((0, 0), (0, 29 - frames), (0, 0)), constant_values=5)
    mask = np.repeat(np.arange(29)[None] < frames, 3, axis=0)
    np.testing.assert_allclose(call(layer, clip), expected, atol=1e-5)
    found = call(layer, longer, mask)[:, : expected.shape[1]]
    np.testing.assert_allclose(found, expected, atol=1e-5)
    valid = np.array(layer.compute_mask(longer, mask))
    np.testing.assert_array_equal(valid, np.repeat([[True] * 6 + [False] * 2], 3, axis=0))


@pytest.mark.backend
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
    np.testing.assert_allclose(call(layer, X, MASK), np.array(expected), atol=1e-5)


@pytest.mark.backend
def test_nothing_valid_is_finite():
    layer = TransformerEncoderLayer(12, num_heads=3, feed_forward_units=20)
    assert np.isfinite(np.array(layer(X, mask=np.zeros((3, 9), bool)))).all()
    pooled = np.array(MaskedMeanPooling()(X, mask=np.zeros((3, 9), bool)))
    np.testing.assert_array_equal(pooled, 0)


@pytest.mark.backend
def test_pooling_is_the_mean_of_the_valid_frames():
    expected = [x[valid].mean(axis=0) for x, valid in zip(X, MASK, strict=True)]
    np.testing.assert_allclose(np.array(MaskedMeanPooling()(X, mask=MASK)), expected, atol=1e-6)
    np.testing.assert_allclose(np.array(MaskedMeanPooling()(X)), X.mean(axis=1), atol=1e-6)


@pytest.mark.backend
def test_dropout_in_training_alone():
    layer = TransformerEncoderLayer(12, num_heads=3, feed_forward_units=20, dropout=0.5)
    np.testing.assert_array_equal(np.array(layer(X)), np.array(layer(X, training=False)))
    assert np.abs(np.array(layer(X, training=True)) - np.array(layer(X))).max() > 1e-3


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
