"""Backbones of KerasHub, with random weights: expand, train a little, save, load, merge."""

import keras
import numpy as np
import pytest

import keras_reparam as kr
from keras_reparam.transforms.model_input import random_input
from tests.transforms.test_transforms import (
    expanded_paths,
    layer_names,
    max_error,
    outputs,
    scramble_factors,
)

keras_hub = pytest.importorskip("keras_hub")

# KerasHub 0.32 on Keras 3.15 warns of its own composite layers and masks.
pytestmark = [
    pytest.mark.backend,
    pytest.mark.filterwarnings("ignore:.*`build\\(\\)` was called on layer"),
    pytest.mark.filterwarnings("ignore:.*destroy the mask information"),
]
SIZE = {"num_layers": 1, "num_heads": 2, "hidden_dim": 16, "intermediate_dim": 32}


def bert():
    return keras_hub.models.BertBackbone(vocabulary_size=50, max_sequence_length=20, **SIZE)


def gpt2():
    return keras_hub.models.GPT2Backbone(vocabulary_size=50, max_sequence_length=20, **SIZE)


def vit():
    return keras_hub.models.ViTBackbone(
        image_shape=(16, 16, 3), patch_size=8, num_layers=1, num_heads=2, hidden_dim=16, mlp_dim=32
    )


def whisper():
    return keras_hub.models.WhisperBackbone(
        vocabulary_size=50,
        num_mels=10,
        max_encoder_sequence_length=32,
        max_decoder_sequence_length=20,
        **SIZE,
    )


def moonshine():
    return keras_hub.models.MoonshineBackbone(
        vocabulary_size=50,
        filter_dim=16,
        encoder_num_layers=1,
        decoder_num_layers=1,
        hidden_dim=16,
        intermediate_dim=32,
        encoder_num_heads=2,
        decoder_num_heads=2,
    )


BACKBONES = {
    "bert": (bert, ["transformer_layer_0/feedforward_intermediate_dense"]),
    "gpt2": (gpt2, ["transformer_layer_0/feedforward_intermediate_dense"]),
    "vit": (vit, ["vit_encoder/transformer_block_1/mlp/dense_1"]),
    "whisper": (
        whisper,
        [
            "transformer_encoder_layer_0/feedforward_intermediate_dense",
            "transformer_decoder_layer_0/feedforward_intermediate_dense",
        ],
    ),
    "moonshine": (
        moonshine,
        ["encoder_block_0/feedforward/dense_1", "decoder_block_0/moonshine_mlp/dense_1"],
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", BACKBONES)
def test_backbone(name, tmp_path):
    make, expected = BACKBONES[name]
    keras.backend.clear_session()
    model = make()
    inputs = random_input(model)
    train = kr.expand(model)
    assert expanded_paths(train) == expected
    assert max_error(outputs(model, inputs), outputs(train, inputs)) < 1e-5
    scramble_factors(train)
    assert max_error(outputs(model, inputs), outputs(train, inputs)) > 1e-2

    train.save(tmp_path / "train.keras")
    again = keras.saving.load_model(tmp_path / "train.keras")
    for first, second in zip(train.weights, again.weights, strict=True):
        np.testing.assert_array_equal(first.numpy(), second.numpy())
    assert max_error(outputs(train, inputs), outputs(again, inputs)) == 0

    light = kr.merge(again)
    assert type(light) is type(model)
    assert layer_names(light) == layer_names(again)
    assert max_error(outputs(train, inputs), outputs(light, inputs)) < 1e-5
