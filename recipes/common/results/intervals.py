"""Confidence intervals of metrics: bootstrap over speakers."""

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import ArrayLike

from recipes.common.results.metrics import checked_classes

RESAMPLES = 2000
CONFIDENCE = 0.95
# Two speakers have three resamples that differ: no interval can be read from them.
FEWEST_SPEAKERS = 3
_SEED = 20241


def intervals(
    truth: ArrayLike, predicted: ArrayLike, speakers: ArrayLike, *, num_classes: int
) -> dict[str, tuple[float, float]] | None:
    """95 % intervals of UA, WA, WF1 and macro-F1: cluster bootstrap over speakers, percentiles.

    Clips of one speaker resemble each other, so that intervals over clips would be too narrow:
    what is drawn, with replacement, is whole speakers, as many as there are, 2,000 times. A
    resample's means over classes leave out the classes that do not occur in it. The seed is
    fixed, and neither the order of the clips nor that of the speakers matters.

    Args:
        truth: `(clips,)`: true classes.
        predicted: `(clips,)`: predicted classes.
        speakers: `(clips,)`: names of the speakers.
        num_classes: Number of classes.

    Returns:
        Low and high end by name, as in `results.metrics.FIGURES`; `None` if there are
        fewer than three speakers.

    Raises:
        ValueError: If the numbers of clips differ, or a class is none of `num_classes`.

    Reference:

    - Efron and Tibshirani, "An Introduction to the Bootstrap", 1993, chapter 13 (percentiles).
    - Davison and Hinkley, "Bootstrap Methods and their Application", 1997, section 3.8
      (hierarchical data).
    """
    confusions = _confusions(truth, predicted, speakers, num_classes)
    return resampled_ends(
        len(confusions),
        lambda drawn: figures_of_confusions(np.tensordot(drawn, confusions, axes=1)),
    )


def resampled_ends(
    count: int, figures_of: Callable[[np.ndarray], Mapping[str, np.ndarray]]
) -> dict[str, tuple[float, float]] | None:
    """Ends of the intervals of any figures, as `intervals` has them.

    Args:
        count: Number of speakers, in alphabetical order.
        figures_of: Arrays `(resamples,)` by name, of how often each speaker is in each resample,
            float64 `(resamples, speakers)`.
    """
    if count < FEWEST_SPEAKERS:
        return None
    rng = np.random.default_rng(_SEED)
    # How often each speaker is drawn is all that matters of a resample.
    drawn = rng.multinomial(count, np.full(count, 1 / count), size=RESAMPLES)
    tail = (1 - CONFIDENCE) / 2
    ends = {
        name: np.quantile(values, (tail, 1 - tail))
        for name, values in figures_of(drawn.astype("float64")).items()
    }
    return {name: (float(low), float(high)) for name, (low, high) in ends.items()}


def _confusions(
    truth: ArrayLike, predicted: ArrayLike, speakers: ArrayLike, num_classes: int
) -> np.ndarray:
    """`(speakers, classes, classes)`: confusion matrices of the speakers in alphabetical order."""
    truth, predicted = checked_classes(truth, predicted, num_classes)
    speakers = np.asarray(speakers)
    if speakers.shape != truth.shape:
        raise ValueError(
            f"Every clip must have a speaker. Received: {truth.shape[0]} clips, and speakers of "
            f"shape {speakers.shape}"
        )
    names, numbers = np.unique(speakers, return_inverse=True)
    shape = (len(names), num_classes, num_classes)
    cells = np.ravel_multi_index((numbers, truth, predicted), shape)
    return np.bincount(cells, minlength=np.prod(shape)).reshape(shape).astype("float64")


def figures_of_confusions(confusions: np.ndarray) -> dict[str, np.ndarray]:
    """`evaluate`'s figures of many confusion matrices `(..., classes, classes)` at once.

    Args:
        confusions: One row per true class, one column per predicted one; none without any clip.

    Returns:
        Arrays `(...)` by name, as in `results.metrics.FIGURES`.
    """
    right = np.diagonal(confusions, axis1=-2, axis2=-1)
    clips, predicted = confusions.sum(axis=-1), confusions.sum(axis=-2)
    total, classes = clips.sum(axis=-1), (clips > 0).sum(axis=-1)
    recall = right / np.maximum(clips, 1)
    f1 = np.where(clips > 0, 2 * right / np.maximum(clips + predicted, 1), 0)
    return {
        "ua": recall.sum(axis=-1) / classes,
        "wa": right.sum(axis=-1) / total,
        "wf1": (f1 * clips).sum(axis=-1) / total,
        "macro_f1": f1.sum(axis=-1) / classes,
    }
