"""Scores of clips of any length: the mean over windows, as the classifier of `.tflite` files.

With one difference: however quiet a clip is, it is scored.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence

import keras
import numpy as np

# The one definition of a clip's windows.
from keras_reparam.audio.windows import (
    extent,
    from_first_sound,
    sounding,
    valid_samples,
    windows,
)
from recipes.common.store.layout import SAMPLE_RATE


def beginnings_of(clips: Sequence[np.ndarray], size: int) -> np.ndarray:
    """First `size` samples of all clips, `(clips, size)`, with zeros where a clip ends early."""
    return np.stack([np.pad(clip[:size], (0, max(0, size - len(clip)))) for clip in clips])


def sounding_windows(clip: np.ndarray, size: int) -> Iterator[np.ndarray]:
    """The half-overlapping windows of a clip, `(size,)`, with zeros where it ends early.

    Digital silence is left out, as the classifier does; a clip that is nothing else is one window.
    """
    silent = True
    for _, window in windows([clip[extent(clip)]], size):
        if sounding(window).any():
            silent = False
            yield from_first_sound(window, size)
    if silent:
        yield np.zeros(size, "float32")


def weights_of(windows: Iterable[np.ndarray]) -> np.ndarray:
    """`(windows,)`: what windows `(samples,)` weigh in the mean over their clip."""
    return np.array([max(1, len(valid_samples(window, SAMPLE_RATE))) for window in windows])


def mean_scores(scores: np.ndarray, clips: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """`(clips, classes)`: weighted mean of the scores `(windows, classes)` of each clip."""
    columns = (np.asarray(scores) * weights[:, None]).T
    totals = [np.bincount(clips, weights=column) for column in columns]
    return np.stack(totals, axis=1) / np.bincount(clips, weights=weights)[:, None]


def in_batches(function: Callable, *arrays: np.ndarray, size: int = 16) -> np.ndarray:
    """`function(*arrays)` as an array, some rows at a time.

    Without `predict`, whose compilation takes longer than a few hundred clips do.
    """
    parts = [
        function(*(array[i : i + size] for array in arrays)) for i in range(0, len(arrays[0]), size)
    ]
    return np.concatenate([keras.ops.convert_to_numpy(part) for part in parts])
