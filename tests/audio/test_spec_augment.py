"""SpecAugment: what may change, what may not, and how often."""

import keras
import numpy as np
import pytest

from keras_reparam.audio import SpecAugment

ONES = np.ones((64, 100, 32), "float32")
MASK = np.arange(100)[None, :] < np.arange(20, 84)[:, None]


@pytest.mark.backend
def test_inactive_at_inference():
    layer = SpecAugment(seed=1)
    np.testing.assert_array_equal(np.array(layer(ONES)), ONES)
    np.testing.assert_array_equal(np.array(layer(ONES, training=False)), ONES)


@pytest.mark.backend
def test_one_time_mask_is_one_stretch_of_the_allowed_width():
    layer = SpecAugment(time_masks=1, time_width=30, time_fraction=0.5, frequency_masks=0, seed=2)
    masked = np.array(layer(ONES, training=True)) == 0
    assert (masked == masked[:, :, :1]).all()
    masked = masked[:, :, 0]
    widths = masked.sum(axis=1)
    assert widths.max() <= 30
    assert len(np.unique(widths)) > 10
    edges = np.abs(np.diff(np.pad(masked, ((0, 0), (1, 1))).astype(int), axis=1)).sum(axis=1)
    assert set(edges[widths > 0]) == {2}


@pytest.mark.backend
def test_one_frequency_mask_is_one_stretch_of_bands():
    layer = SpecAugment(time_masks=0, frequency_masks=1, frequency_width=8, seed=3)
    masked = np.array(layer(ONES, training=True)) == 0
    assert (masked == masked[:, :1]).all()
    widths = masked[:, 0].sum(axis=1)
    assert set(widths) <= set(range(9))
    assert len(set(widths)) > 5


def test_widths_and_places_are_uniform():
    layer = SpecAugment(time_masks=1, time_width=3, time_fraction=1.0, frequency_masks=0, seed=4)
    masked = np.array(layer(np.ones((8000, 6, 12), "float32"), training=True))[:, :, 0] == 0
    share = np.bincount(masked.sum(axis=1), minlength=4) / 8000
    np.testing.assert_allclose(share, 0.25, atol=0.03)
    single = masked[masked.sum(axis=1) == 1]
    np.testing.assert_allclose(single.mean(axis=0), 1 / 6, atol=0.04)


@pytest.mark.backend
def test_invalid_frames_are_left_and_do_not_count():
    layer = SpecAugment(time_masks=1, time_width=100, time_fraction=0.25, frequency_masks=2, seed=5)
    augmented = np.array(layer(ONES, training=True, mask=MASK))
    assert (augmented[~MASK] == 1).all()
    whole = (augmented == 0).all(axis=2)
    assert (whole.sum(axis=1) <= 0.25 * MASK.sum(axis=1)).all()
    assert whole.any()


@pytest.mark.backend
def test_a_mask_with_gaps():
    mask = np.zeros((32, 100), bool)
    mask[:, 10:20] = mask[:, 50:60] = True
    layer = SpecAugment(time_masks=1, time_width=20, time_fraction=1.0, frequency_masks=0, seed=6)
    masked = np.array(layer(ONES[:32], training=True, mask=mask))[:, :, 0] == 0
    assert not masked[~mask].any()
    inside = masked[mask].reshape(32, 20)
    edges = np.abs(np.diff(np.pad(inside, ((0, 0), (1, 1))).astype(int), axis=1)).sum(axis=1)
    assert set(edges) <= {0, 2}


@pytest.mark.backend
def test_no_valid_frame():
    layer = SpecAugment(seed=7)
    mask = np.zeros((64, 100), bool)
    np.testing.assert_array_equal(np.array(layer(ONES, training=True, mask=mask)), ONES)


@pytest.mark.backend
def test_seeded_and_fresh_at_every_call():
    first, second = SpecAugment(seed=8), SpecAugment(seed=8)
    one, two = np.array(first(ONES, training=True)), np.array(first(ONES, training=True))
    assert (one != two).any()
    np.testing.assert_array_equal(np.array(second(ONES, training=True)), one)


@pytest.mark.backend
def test_in_a_model_with_mask_and_mixed_precision(tmp_path):
    features = keras.Input((100, 32))
    mask = keras.Input((100,), dtype="bool")
    layer = SpecAugment(seed=9, dtype="mixed_float16")
    x = keras.layers.GlobalAveragePooling1D()(layer(features, mask=mask))
    model = keras.Model([features, mask], keras.layers.Dense(2)(x))
    model.compile("sgd", "mse")
    model.fit((ONES, MASK), np.zeros((64, 2)), batch_size=32, verbose=0)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_allclose(
        loaded.predict((ONES, MASK), verbose=0), model.predict((ONES, MASK), verbose=0), atol=1e-5
    )


def test_config_round_trip():
    layer = SpecAugment(
        time_masks=3,
        time_width=7,
        time_fraction=0.5,
        frequency_masks=1,
        frequency_width=5,
        seed=10,
    )
    assert SpecAugment.from_config(layer.get_config()).get_config() == layer.get_config()


@pytest.mark.parametrize(
    "options",
    [
        {"time_masks": -1},
        {"time_width": 1.5},
        {"time_fraction": 1.5},
        {"time_fraction": True},
        {"time_fraction": "0.2"},
        {"frequency_masks": "2"},
        {"frequency_width": -3},
    ],
    ids=str,
)
def test_bad_options(options):
    with pytest.raises(ValueError, match=r"Received: .*="):
        SpecAugment(**options)


def test_bad_shapes():
    with pytest.raises(ValueError, match="batch, frames, mels"):
        SpecAugment()(np.ones((2, 100), "float32"))
    with pytest.raises(ValueError, match="frequency_width"):
        SpecAugment(frequency_width=40)(ONES)
