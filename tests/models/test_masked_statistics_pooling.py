"""Mean and deviation against NumPy, and where they could go wrong."""

import keras
import numpy as np
import pytest
from keras import ops

from keras_reparam.models.masked_statistics_pooling import MaskedStatisticsPooling

RNG = np.random.default_rng(3)
X = RNG.normal(2, 3, (4, 9, 5)).astype("float32")
MASK = np.arange(9) < np.array([[9], [6], [1], [0]])


@pytest.mark.backend
def test_equals_numpy_over_the_valid_frames():
    x = np.where(MASK[..., None], X, 1e4).astype("float32")
    found = np.array(MaskedStatisticsPooling()(x, mask=MASK))
    assert found.shape == (4, 10)
    for row, frames, valid in zip(found[:3], X, MASK, strict=False):
        frames = frames[valid].astype("float64")
        expected = [frames.mean(axis=0), np.sqrt(frames.var(axis=0) + 1e-5)]
        np.testing.assert_allclose(row, np.concatenate(expected), rtol=1e-5)
    np.testing.assert_allclose(found[3], [0] * 5 + [np.sqrt(1e-5)] * 5, rtol=1e-5)
    whole = np.array(MaskedStatisticsPooling()(X))
    np.testing.assert_allclose(whole, np.array(MaskedStatisticsPooling()(X, mask=MASK | True)))


@pytest.mark.backend
@pytest.mark.parametrize("dtype", ["float32", "mixed_float16"])
def test_a_small_deviation_from_a_large_mean(dtype):
    """Beside which it would vanish as the difference of two squares."""
    x = (1000 + RNG.normal(0, 1, (1, 4000, 3))).astype("float16").astype("float32")
    found = np.array(MaskedStatisticsPooling(dtype=dtype)(x))[0, 3:]
    np.testing.assert_allclose(found, x[0].std(axis=0), rtol=2e-3)


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="its gradients")
def test_slopes_are_finite_where_frames_do_not_differ():
    import tensorflow as tf

    x = tf.Variable(np.ones((2, 4, 3), "float32"))
    with tf.GradientTape() as tape:
        pooled = MaskedStatisticsPooling()(x, mask=ops.array([[True] * 4, [False] * 4]))
        loss = tf.reduce_sum(pooled)
    assert np.isfinite(tape.gradient(loss, x)).all()
