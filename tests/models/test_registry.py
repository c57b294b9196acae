"""Backbones by name, and their sizes."""

import keras
import numpy as np
import pytest

import keras_reparam as kr
from keras_reparam.models.sizes import SIZES


def test_list_names_all_backbones():
    assert kr.models.list_models() == sorted(SIZES)
    assert "conv_transformer" in kr.models.list_models()


def macs(model):
    """Multiplications of one clip, counted from the shapes of weights and outputs."""
    frames = -(-model.input_shape[1] // 4)
    total = 0
    height, width = model.input_shape[1:]
    front = model.get_layer("subsampling")
    for layer in front.convolutions:
        height, width = -(-height // 2), -(-width // 2)
        total += height * width * int(np.prod(layer.kernel.shape))
    dense = [
        layer
        for layer in model._flatten_layers()
        if isinstance(layer, keras.layers.Dense) and layer.name != "classifier"
    ]
    total += frames * sum(int(np.prod(layer.kernel.shape)) for layer in dense)
    return total + model.num_layers * 2 * frames**2 * model.units


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="counts are the same")
def test_light_is_light():
    model = kr.models.create("conv_transformer", num_classes=4)
    assert model.input_shape == (None, 400, 64)
    assert model.output_shape == (None, 4)
    assert model.count_params() <= 300_000
    assert macs(model) <= 60e6
    assert "large" in SIZES["conv_transformer"]


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="counts are the same")
def test_large_is_larger():
    large, light = (SIZES["conv_transformer"][size] for size in ("large", "light"))
    assert all(large[name] >= light[name] for name in light)
    # One of its layers, to be frugal: shapes and arguments reach the class.
    model = kr.models.create("conv_transformer", size="large", num_classes=7, num_layers=1)
    assert model.units == large["units"]
    assert model.get_layer("encoder_0").fc1.units == large["feed_forward_units"]


def test_options_reach_the_class():
    model = kr.models.create(
        "conv_transformer",
        num_classes=5,
        num_mels=40,
        frames=None,
        expansion=2,
        dropout=0.3,
        units=32,
    )
    assert (model.units, model.dropout) == (32, 0.3)
    assert model.get_layer("encoder_3").fc1.expansion == 2
    assert model.input_shape == (None, None, 40)


@pytest.mark.parametrize(
    ("name", "options", "error", "message"),
    [
        ("transformer", {}, ValueError, "conv_transformer"),
        ("conv_transformer", {"size": "medium"}, ValueError, "light, large"),
        ("conv_transformer", {"num_classes": -4}, ValueError, "num_classes"),
        ("conv_transformer", {"frames": 0}, ValueError, "frames"),
        ("conv_transformer", {"expansion": -1}, ValueError, "expansion"),
        ("conv_transformer", {"width": 3}, TypeError, "width"),
    ],
)
def test_bad_input(name, options, error, message):
    with pytest.raises(error, match=message):
        kr.models.create(name, **{"num_classes": 4, **options})


def test_options_are_keyword_only():
    with pytest.raises(TypeError):
        kr.models.create("conv_transformer", "light", 4)
