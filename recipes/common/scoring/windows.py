"""Scores of clips of any length: the mean over windows, as the classifier of `.tflite` files."""

from collections.abc import Callable, Iterator, Sequence

import keras
import numpy as np

# The one definition of a clip's windows.
from keras_reparam.deploy.classifier import windows


def beginnings_of(clips: Sequence[np.ndarray], size: int) -> np.ndarray:
    """First `size` samples of all clips, `(clips, size)`, with zeros where a clip ends early."""
    return np.stack([np.pad(clip[:size], (0, max(0, size - len(clip)))) for clip in clips])


def sounding_windows(clip: np.ndarray, size: int) -> Iterator[np.ndarray]:
    """The half-overlapping windows of a clip, `(size,)`, with zeros where it ends early.

    Digital silence is left out, as the classifier does; a clip that is nothing else is one window.
    """
    silent = True
    for _, window in windows([clip], size):
        if window.any():
            silent = False
            yield np.pad(window, (0, size - len(window)))
    if silent:
        yield np.zeros(size, "float32")


def softmax(logits: np.ndarray) -> np.ndarray:
    """Probabilities of logits `(..., classes)`."""
    powers = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return powers / powers.sum(axis=-1, keepdims=True)


def mean_scores(scores: np.ndarray, clips: np.ndarray) -> np.ndarray:
    """`(clips, classes)`: mean of the scores `(windows, classes)` of each clip."""
    count = np.bincount(clips)
    totals = [np.bincount(clips, weights=column) for column in np.asarray(scores).T]
    return np.stack(totals, axis=1) / count[:, None]


def in_batches(function: Callable, *arrays: np.ndarray, size: int = 16) -> np.ndarray:
    """`function(*arrays)` as an array, some rows at a time.

    Without `predict`, whose compilation takes longer than a few hundred clips do.
    """
    parts = [
        function(*(array[i : i + size] for array in arrays)) for i in range(0, len(arrays[0]), size)
    ]
    return np.concatenate([keras.ops.convert_to_numpy(part) for part in parts])
