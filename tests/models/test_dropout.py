"""Dropout of the backbones: what it drops, how often, and that files of Keras's load into it."""

import keras
import numpy as np
import pytest

from keras_reparam.models import ConvTransformer, conformer_block, transformer_encoder_layer
from keras_reparam.models.conformer import Conformer
from keras_reparam.models.dropout import Dropout
from tests.models.test_conv_transformer import SMALL


def dropped(layer, x):
    return np.array(layer(x, training=True))


@pytest.mark.parametrize("rate", [pytest.param(0.1, marks=pytest.mark.backend), 0.5, 0.75])
def test_how_often_and_what_is_left(rate):
    # No multiple of four.
    found = dropped(Dropout(rate, seed=3), np.ones((101, 33, 31), "float32")).reshape(-1)
    probability = round(256 * rate) / 256
    assert abs(probability - rate) <= 1 / 512
    np.testing.assert_allclose(np.unique(found), [0, 1 / (1 - probability)], rtol=1e-6)
    gone = found == 0
    deviation = np.sqrt(probability * (1 - probability) / gone.size)
    assert abs(gone.mean() - probability) < 4 * deviation
    assert abs(found.mean() - 1) < 4 * deviation / (1 - probability)
    # Bytes of one word, and of neighbors, know nothing of each other.
    for distance in (1, 2, 3, 4, 31):
        both = (gone[distance:] & gone[:-distance]).mean()
        assert abs(both - probability**2) < 0.01


@pytest.mark.backend
def test_a_seed_gives_the_same_masks_one_after_another():
    x = np.ones((64, 50), "float32")
    first, again, other = Dropout(0.3, seed=1), Dropout(0.3, seed=1), Dropout(0.3, seed=2)
    masks = [dropped(first, x) for _ in range(2)]
    assert (masks[0] != masks[1]).mean() > 0.3
    for mask in masks:
        np.testing.assert_array_equal(dropped(again, x), mask)
    assert (dropped(other, x) != masks[0]).mean() > 0.3


def test_nothing_happens_at_inference_and_ends_of_the_range_are_keras():
    x = np.random.default_rng(0).normal(size=(40, 500)).astype("float32")
    np.testing.assert_array_equal(Dropout(0.5)(x), x)
    np.testing.assert_array_equal(dropped(Dropout(0.0), x), x)
    np.testing.assert_array_equal(dropped(Dropout(1.0), x), 0 * x)
    # Too few for a byte, and one choice for all frames.
    assert 0 < (dropped(Dropout(0.001, seed=0), x) == 0).mean() < 0.002
    gone = dropped(Dropout(0.5, noise_shape=(None, 1), seed=0), x) == 0
    assert (gone == gone[:, :1]).all() and 0.2 < gone.mean() < 0.8


@pytest.mark.backend
@pytest.mark.filterwarnings("ignore:The model does not have any trainable weights")
def test_a_compiled_step_of_any_shape_in_half_precision():
    inputs = keras.Input((None, 3), dtype="float16")
    outputs = Dropout(0.5, seed=0, dtype="float16")(keras.layers.Rescaling(1.0)(inputs))
    model = keras.Model(inputs, outputs)
    model.compile("sgd", "mse")
    for shape in ((5, 41, 3), (1, 1, 3)):
        x = np.ones(shape, "float16")
        # Whether a value is 0 or 2, it is off by one.
        assert float(model.train_on_batch(x, x)) == 1
        assert float(model.test_on_batch(x, x)) == 0


@pytest.mark.parametrize(
    ("backbone", "module"),
    [(ConvTransformer, transformer_encoder_layer), (Conformer, conformer_block)],
)
def test_files_with_keras_dropout_load(backbone, module, monkeypatch, tmp_path):
    with monkeypatch.context() as before:
        before.setattr(module, "Dropout", keras.layers.Dropout)
        old = backbone(**SMALL, dropout=0.2)
    old.save(tmp_path / "old.keras")
    loaded = keras.saving.load_model(tmp_path / "old.keras")
    assert not any(type(layer) is keras.layers.Dropout for layer in loaded._flatten_layers())
    for a, b in zip(old.weights, loaded.weights, strict=True):
        np.testing.assert_array_equal(np.array(a), np.array(b), err_msg=a.path)
