"""Scores of a classifier, by scikit-learn."""

import dataclasses
from collections.abc import Sequence

import numpy as np
from sklearn.metrics import accuracy_score, confusion_matrix, recall_score


@dataclasses.dataclass(frozen=True, kw_only=True)
class Metrics:
    """How well the most probable classes match the true ones.

    Attributes:
        ua: Unweighted accuracy: mean over the classes that occur of their recall (also: UAR,
            balanced accuracy). Chance is 1 / classes whatever their sizes.
        wa: Weighted accuracy: share of clips that are right.
        recall: Recall by class; `None` for a class that does not occur.
        confusion: Number of clips, one row per true class, one column per predicted one.
        clips: Number of clips.
    """

    ua: float
    wa: float
    recall: dict[str, float | None]
    confusion: list[list[int]]
    clips: int


def evaluate(truth: np.ndarray, predicted: np.ndarray, labels: Sequence[str]) -> Metrics:
    """`Metrics` of class indices into `labels`, one per clip.

    Example:

    >>> found = evaluate([0, 0, 0, 1], [0, 0, 1, 1], ["anger", "neutral"])
    >>> round(found.ua, 3), found.wa
    (0.833, 0.75)
    """
    classes = np.arange(len(labels))
    present = np.unique(truth)
    recalls = dict(
        zip(present, recall_score(truth, predicted, labels=present, average=None), strict=True)
    )
    return Metrics(
        ua=float(np.mean(list(recalls.values()))),
        wa=float(accuracy_score(truth, predicted)),
        recall={name: float(recalls[i]) if i in recalls else None for i, name in enumerate(labels)},
        confusion=confusion_matrix(truth, predicted, labels=classes).tolist(),
        clips=len(truth),
    )
