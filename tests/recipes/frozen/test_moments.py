"""What a head gets to know of features, against the features themselves."""

import keras
import numpy as np
import pytest
from scipy.special import softmax

from keras_reparam.models.masked_statistics_pooling import MaskedStatisticsPooling
from recipes.common.frozen.layer_statistics import LayerStatistics
from recipes.common.frozen.moments import joined, moments_of, statistics


def generated(lengths, layers=3, width=4):
    """Features of clips `(layers, frames, width)`, far from zero in one dimension."""
    rng = np.random.default_rng(1)
    return [rng.normal([0, 0, 0, 100], 1, (layers, n, width)) for n in lengths]


@pytest.mark.backend
def test_layer_is_the_weighted_sum_and_the_masked_mean_and_deviation():
    clips, scores = generated([5, 1, 9]), np.array([0.3, -1.0, 0.8], "float32")
    layer = LayerStatistics()
    moments = np.stack([moments_of(clip).values for clip in clips])
    layer.build(moments.shape)
    layer.set_weights([scores])
    found = keras.ops.convert_to_numpy(layer(moments))

    summed = [np.einsum("l,ltw->tw", softmax(scores), clip) for clip in clips]
    padded = np.zeros((3, 9, 4), "float32")
    for row, frames in zip(padded, summed, strict=True):
        row[: len(frames)] = frames
    mask = np.arange(9) < np.array([[5], [1], [9]])
    pooled = MaskedStatisticsPooling()(padded, mask=mask)
    np.testing.assert_allclose(found, keras.ops.convert_to_numpy(pooled), rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(statistics(moments, softmax(scores)), found, rtol=1e-5, atol=1e-5)


def test_moments_of_several_clips_are_those_of_all_their_frames():
    clips = generated([5, 1, 9])
    whole = moments_of(np.concatenate(clips, axis=1))
    found = joined([moments_of(clip) for clip in clips])
    assert found.frames == whole.frames == 15
    np.testing.assert_allclose(found.values, whole.values, rtol=1e-5, atol=1e-5)
