"""Scores of clips of any length: the mean over windows, as the classifier of `.tflite` files.

With one difference: however quiet a clip is, it is scored.
"""

import math
import os
from collections.abc import Callable, Iterable, Iterator, Sequence

import keras
import numpy as np

from keras_reparam.deploy import Classifier
from keras_reparam.deploy.windows import extent, from_first_sound, valid_samples, windows
from recipes.common.features import SAMPLE_RATE


def windows_of(clips: Sequence[np.ndarray], size: int) -> tuple[np.ndarray, np.ndarray]:
    """The windows of all clips that hold sound: those of `sounding_windows`.

    Args:
        clips: Waveforms `(samples,)` of any lengths.
        size: Samples in a window.

    Returns:
        float32 array `(windows, size)`, and `(windows,)`: the clip that each belongs to. They
        weigh by `weights_of`.
    """
    found = [
        (window, number)
        for number, clip in enumerate(clips)
        for window in sounding_windows(clip, size)
    ]
    return np.stack([w for w, _ in found]), np.array([number for _, number in found])


def beginnings_of(clips: Sequence[np.ndarray], size: int) -> np.ndarray:
    """First `size` samples of all clips, `(clips, size)`, with zeros where a clip ends early."""
    return np.stack([np.pad(clip[:size], (0, max(0, size - len(clip)))) for clip in clips])


def sounding_windows(clip: np.ndarray, size: int) -> Iterator[np.ndarray]:
    """The half-overlapping windows of a clip, `(size,)`, with zeros where it ends early.

    Digital silence is left out, as the classifier does; a clip that is nothing else is one window.
    """
    silent = True
    for _, window in windows([clip[extent(clip)]], size):
        if window.any():
            silent = False
            yield from_first_sound(window, size)
    if silent:
        yield np.zeros(size, "float32")


def weights_of(windows: Iterable[np.ndarray]) -> np.ndarray:
    """`(windows,)`: what windows `(samples,)` weigh in the mean over their clip."""
    return np.array([max(1, len(valid_samples(window, SAMPLE_RATE))) for window in windows])


def softmax(logits: np.ndarray) -> np.ndarray:
    """Probabilities of logits `(..., classes)`."""
    powers = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return powers / powers.sum(axis=-1, keepdims=True)


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


def keras_scores(model: keras.Model, clips: Sequence[np.ndarray]) -> np.ndarray:
    """Probabilities `(clips, classes)` of a model with waveform input and logits."""
    windows, owners = windows_of(clips, model.input_shape[1])
    return scores_of_windows(model, windows, owners, weights_of(windows))


def scores_of_windows(
    model: keras.Model, windows: np.ndarray, clips: np.ndarray, weights: np.ndarray
) -> np.ndarray:
    """Probabilities `(clips, classes)` of a model with logits.

    Args:
        model: The model.
        windows: Its input for all windows.
        clips: `(windows,)`: the clip that each belongs to.
        weights: `(windows,)`: what each weighs.
    """
    logits = in_batches(lambda batch: model(batch, training=False), windows)
    return mean_scores(softmax(logits.astype("float64")), clips, weights)


def tflite_scores(model: str | os.PathLike, clips: Sequence[np.ndarray]) -> np.ndarray:
    """Probabilities `(clips, classes)` of a `.tflite` file, of clips at the recipes' rate."""
    classifier = Classifier(model, silence_decibels=-math.inf)
    return np.stack([classifier.classify(clip, SAMPLE_RATE).probabilities for clip in clips])
