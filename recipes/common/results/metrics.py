"""Scores of a classifier, by scikit-learn."""

import dataclasses
from collections.abc import Sequence
from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike
from sklearn.metrics import accuracy_score, confusion_matrix, precision_recall_fscore_support

from recipes.common.protocol.figure import Figure

# Attributes of `Metrics` that are one figure each, and how they are called.
FIGURES = {"ua": "UA", "wa": "WA", "wf1": "WF1", "macro_f1": "macro-F1"}


@dataclasses.dataclass(frozen=True, kw_only=True)
class Metrics:
    """How well the predicted classes match the true ones.

    Classes that do not occur among the true ones are left out of every mean over classes, also
    where they are predicted.

    Attributes:
        ua: Unweighted accuracy: mean over the classes of their recall (also: UAR, balanced
            accuracy). Chance is 1 / classes whatever their sizes.
        wa: Weighted accuracy: share of clips that are right.
        wf1: Weighted F1: mean over the classes of their F1, weighted by their numbers of clips.
        macro_f1: Mean over the classes of their F1.
        recall: Recall by class; `None` for a class that does not occur.
        precision: Precision by class; `None` for a class that is never predicted.
        f1: F1 by class, 2 TP / (2 TP + FP + FN); `None` for a class that does not occur.
        confusion: Number of clips, one row per true class, one column per predicted one.
        clips: Number of clips, or of whatever else is decided about.
    """

    figures: ClassVar = {name: Figure(text) for name, text in FIGURES.items()}

    ua: float
    wa: float
    wf1: float
    macro_f1: float
    recall: dict[str, float | None]
    precision: dict[str, float | None]
    f1: dict[str, float | None]
    confusion: list[list[int]]
    clips: int


def evaluate(truth: ArrayLike, predicted: ArrayLike, labels: Sequence[str]) -> Metrics:
    """`Metrics` of class indices into `labels`, one per clip.

    Raises:
        ValueError: If there is no clip, their numbers differ, or an index is none of `labels`.

    Example:

    >>> found = evaluate([0, 0, 0, 1], [0, 0, 1, 1], ["anger", "neutral"])
    >>> round(found.ua, 3), found.wa, round(found.wf1, 3), round(found.macro_f1, 3)
    (0.833, 0.75, 0.767, 0.733)
    """
    truth, predicted = checked_classes(truth, predicted, len(labels))
    classes = np.arange(len(labels))
    precision, recall, f1, clips = precision_recall_fscore_support(
        truth, predicted, labels=classes, zero_division=0
    )
    occurs, is_predicted = clips > 0, np.isin(classes, predicted)
    return Metrics(
        ua=float(recall[occurs].mean()),
        wa=float(accuracy_score(truth, predicted)),
        wf1=float(np.average(f1, weights=clips)),
        macro_f1=float(f1[occurs].mean()),
        recall=_by_class(recall, occurs, labels),
        precision=_by_class(precision, is_predicted, labels),
        f1=_by_class(f1, occurs, labels),
        confusion=confusion_matrix(truth, predicted, labels=classes).tolist(),
        clips=len(truth),
    )


def checked_classes(
    truth: ArrayLike, predicted: ArrayLike, num_classes: int
) -> tuple[np.ndarray, np.ndarray]:
    """Both as integer arrays `(clips,)`, or a `ValueError` that says what is wrong with them."""
    truth, predicted = np.asarray(truth), np.asarray(predicted)
    if truth.ndim != 1 or truth.shape != predicted.shape or not truth.size:
        raise ValueError(
            "`truth` and `predicted` must have one class for each of at least one clip. Received: "
            f"shapes {truth.shape} and {predicted.shape}"
        )
    for name, values in (("truth", truth), ("predicted", predicted)):
        if not np.issubdtype(values.dtype, np.integer):
            raise ValueError(f"`{name}` must hold class indices. Received: {values.dtype}")
        if values.min() < 0 or values.max() >= num_classes:
            raise ValueError(
                f"`{name}` must hold indices of {num_classes} classes. Received: "
                f"{values.min()} to {values.max()}"
            )
    return truth, predicted


def _by_class(values: np.ndarray, known: np.ndarray, labels: Sequence[str]) -> dict:
    return {name: float(values[i]) if known[i] else None for i, name in enumerate(labels)}
