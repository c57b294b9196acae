import numpy as np

from keras_reparam.deploy.tflite.softmax_head import SoftmaxHead
from recipes.common.scoring.windows import (
    beginnings_of,
    mean_scores,
    sounding_windows,
    weights_of,
)


def test_windows_overlap_by_half_and_end_in_zeros():
    clips = [np.arange(1, 4, dtype="float32"), np.arange(1, 11, dtype="float32")]
    short, long = (list(sounding_windows(clip, 4)) for clip in clips)
    assert [window.tolist() for window in short] == [[1, 2, 3, 0]]
    assert [window[0] for window in long] == [1, 3, 5, 7]
    assert long[-1].tolist() == [7, 8, 9, 10]
    assert beginnings_of(clips, 4).tolist() == [[1, 2, 3, 0], [1, 2, 3, 4]]


def test_windows_of_digital_silence_are_left_out():
    clips = [np.array([0, 1, 2, 0, 0, 0, 0, 0, 0, 3, 0], "float32"), np.zeros(9, "float32")]
    found = [list(sounding_windows(clip, 4)) for clip in clips]
    assert [[window.tolist() for window in of_clip] for of_clip in found] == [
        [[1, 2, 0, 0], [3, 0, 0, 0]],
        [[0, 0, 0, 0]],
    ]
    assert weights_of([window for of_clip in found for window in of_clip]).tolist() == [2, 1, 1]


def test_scores_of_a_clip_are_the_mean_of_its_windows():
    scores = SoftmaxHead().scores(np.array([[0.0, 0.0], [700.0, -700.0], [1.0, 1.0]]))
    assert np.allclose(scores.sum(axis=1), 1)
    assert np.allclose(
        mean_scores(scores, np.array([0, 1, 1]), np.ones(3)), [[0.5, 0.5], [0.75, 0.25]]
    )
    weighed = mean_scores(scores, np.array([0, 1, 1]), np.array([5, 3, 1]))
    assert np.allclose(weighed, [[0.5, 0.5], [0.875, 0.125]])
