"""How well several labels at once match the true ones."""

import dataclasses
import warnings
from collections.abc import Sequence
from typing import ClassVar

import numpy as np
from sklearn.metrics import average_precision_score, f1_score

from recipes.common.protocol.figure import Figure

# Numbers that are held at once.
_AT_ONCE = 2**22


@dataclasses.dataclass(frozen=True, kw_only=True)
class MultilabelMetrics:
    """How well several labels at once match the true ones.

    Labels that no clip has are left out of every mean over labels.

    Attributes:
        map: Mean over the labels of their average precision.
        macro_f1: Mean over the labels of their F1.
        micro_f1: F1 of all labels of all clips taken together.
        average_precision: By label; `None` for one that no clip has.
        f1: Likewise.
        present: How many clips have each label.
        clips: Number of clips, or of whatever else is decided about.
    """

    figures: ClassVar = {
        "map": Figure("mAP"),
        "macro_f1": Figure("macro-F1"),
        "micro_f1": Figure("micro-F1"),
    }
    in_words: ClassVar = "In percent"
    baseline_in_words: ClassVar = "the labels that most of training has ({})"

    map: float
    macro_f1: float
    micro_f1: float
    average_precision: dict[str, float | None]
    f1: dict[str, float | None]
    present: dict[str, int]
    clips: int


@dataclasses.dataclass(frozen=True, kw_only=True)
class MultilabelResults(MultilabelMetrics):
    """`MultilabelMetrics` of all decisions, and how far they can be trusted.

    Attributes:
        labels: Their names in order.
        speakers: Number of speakers.
        intervals: Low and high end of the 95 % interval over speakers of each figure; `None` with
            fewer than three speakers.
        by_sex: `MultilabelMetrics` by sex, of the decisions whose speaker's sex is known.
        by_speaker: Micro-F1 and number of clips by the speaker's name.
        majority: The figures of a baseline that always says the labels that most of the training
            split has.
        majority_labels: What that baseline says.
        notes: What a reader must know of these figures.
    """

    labels: tuple[str, ...]
    speakers: int
    intervals: dict[str, tuple[float, float]] | None
    by_sex: dict[str, MultilabelMetrics]
    by_speaker: dict[str, dict[str, float]]
    majority: dict[str, float]
    majority_labels: tuple[str, ...]
    notes: tuple[str, ...]

    @property
    def parts(self) -> tuple[tuple[str, ...], list[list[str]]]:
        """Columns and rows of a table of the labels."""
        rows = [
            [
                label,
                f"{self.present[label]:,}",
                *("-" if v is None else f"{100 * v:5.1f}" for v in values),
            ]
            for label in self.labels
            if (values := (self.average_precision[label], self.f1[label]))
        ]
        return ("label", "n", "AP", "F1"), rows


def evaluate_labels(
    truth: np.ndarray, predicted: np.ndarray, scores: np.ndarray, names: Sequence[str]
) -> MultilabelMetrics:
    """`MultilabelMetrics` of `(clips, labels)`: what is true, what is said, and probabilities.

    Example:

    >>> truth = np.array([[1, 0], [1, 1], [0, 1]], bool)
    >>> evaluate_labels(truth, truth, truth.astype(float), ["joy", "fear"]).map
    1.0
    """
    occurs = truth.any(axis=0)
    precision, f1 = np.zeros(len(names)), np.zeros(len(names))
    for i in np.flatnonzero(occurs):
        precision[i] = average_precision_score(truth[:, i], scores[:, i])
        f1[i] = f1_score(truth[:, i], predicted[:, i], zero_division=0)
    with warnings.catch_warnings():
        # Where neither truth nor what is said has any label.
        warnings.simplefilter("ignore")
        micro = f1_score(truth, predicted, average="micro", zero_division=0)
    return MultilabelMetrics(
        map=float(precision[occurs].mean()) if occurs.any() else 0.0,
        macro_f1=float(f1[occurs].mean()) if occurs.any() else 0.0,
        micro_f1=float(micro),
        average_precision=_by_label(precision, occurs, names),
        f1=_by_label(f1, occurs, names),
        present={name: int(n) for name, n in zip(names, truth.sum(axis=0), strict=True)},
        clips=len(truth),
    )


def resampled_labels(
    truth: np.ndarray,
    predicted: np.ndarray,
    scores: np.ndarray,
    owners: np.ndarray,
    drawn: np.ndarray,
) -> dict[str, np.ndarray]:
    """`evaluate_labels`' figures `(resamples,)` of resamples of owners, all at once.

    Args:
        truth: `(clips, labels)`, as the next two.
        predicted: What is said.
        scores: Probabilities.
        owners: `(clips,)`: whose each clip is, by number.
        drawn: `(resamples, owners)`: how often each is in a resample.
    """
    step = max(1, _AT_ONCE // len(truth))
    parts = [
        _figures(truth, predicted, scores, drawn[i : i + step][:, owners])
        for i in range(0, len(drawn), step)
    ]
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def _figures(truth, predicted, scores, weights) -> dict[str, np.ndarray]:
    """Of clips that count as often as `weights`, `(resamples, clips)`, says."""
    right, there, said = (
        weights @ each.astype("float64") for each in (truth & predicted, truth, predicted)
    )
    occurs = there > 0
    counted = np.maximum(occurs.sum(axis=1), 1)
    precision = np.stack(
        [_average_precision(truth[:, i], scores[:, i], weights) for i in range(truth.shape[1])],
        axis=1,
    )
    return {
        "map": np.where(occurs, precision, 0).sum(axis=1) / counted,
        **f1_of_counts(right, there, said),
    }


def f1_of_counts(right: np.ndarray, there: np.ndarray, said: np.ndarray) -> dict[str, np.ndarray]:
    """Macro- and micro-F1 `(...)` of how often labels are right, there and said `(..., labels)`."""
    occurs, both = there > 0, there + said
    f1 = np.where(occurs, 2 * right / np.maximum(both, 1), 0)
    return {
        "macro_f1": f1.sum(axis=-1) / np.maximum(occurs.sum(axis=-1), 1),
        "micro_f1": 2 * right.sum(axis=-1) / np.maximum(both.sum(axis=-1), 1),
    }


def _average_precision(truth: np.ndarray, scores: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """scikit-learn's, of one label and many weightings `(resamples, clips)`."""
    order = np.argsort(-scores, kind="stable")
    weights, truth = weights[:, order], truth[order]
    # Equal scores are one threshold: what counts is after the last of them.
    ends = np.flatnonzero(np.append(np.diff(scores[order]) != 0, True))
    said = np.cumsum(weights, axis=1)[:, ends]
    right = np.cumsum(weights * truth, axis=1)[:, ends]
    steps = np.diff(right, axis=1, prepend=0)
    total = np.maximum(right[:, -1:], 1)
    return (steps / total * right / np.maximum(said, 1)).sum(axis=1)


def _by_label(values: np.ndarray, known: np.ndarray, names: Sequence[str]) -> dict:
    return {name: float(values[i]) if known[i] else None for i, name in enumerate(names)}
