"""Results of a model on one split of a corpus: the content of `metrics.json`."""

import dataclasses
from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np

from recipes.common.results.intervals import FEWEST_SPEAKERS
from recipes.common.results.metrics import Metrics
from recipes.common.results.predictions import Predictions


@dataclasses.dataclass(frozen=True, kw_only=True)
class SpeakerResult:
    """How well one speaker's clips are classified.

    Attributes:
        clips: Number of them.
        wa: Share that is right.
        ua: Mean over the classes that this speaker's clips have of their recall.
    """

    clips: int
    wa: float
    ua: float


@dataclasses.dataclass(frozen=True, kw_only=True)
class Results(Metrics):
    """`Metrics` of all decisions, and how far they can be trusted.

    Attributes:
        labels: Class names in the order of the classes.
        ece: `expected_calibration_error` of the probabilities; `None` in what earlier versions
            wrote.
        speakers: Number of speakers.
        intervals: Low and high end of the 95 % interval over speakers of `ua`, `wa`, `wf1` and
            `macro_f1`; `None` with fewer than three speakers.
        by_sex: `Metrics` by sex, of the decisions whose speaker's sex is known.
        by_speaker: By the speaker's name.
        majority: `ua`, `wa`, `wf1` and `macro_f1` of a baseline that always predicts the most
            frequent class of the training split.
        majority_labels: What that baseline predicts; of several folds it may be several labels.
        notes: What a reader must know of these figures.
    """

    in_words: ClassVar = "In percent"
    baseline_in_words: ClassVar = "always the most frequent class of training ({})"

    labels: tuple[str, ...]
    ece: float | None = None
    speakers: int
    intervals: dict[str, tuple[float, float]] | None
    by_sex: dict[str, Metrics]
    by_speaker: dict[str, SpeakerResult]
    majority: dict[str, float]
    majority_labels: tuple[str, ...]
    notes: tuple[str, ...]

    @property
    def parts(self) -> tuple[tuple[str, ...], list[list[str]]]:
        """Of every class what it is called and how it fares: the columns and rows of a table."""
        rows = []
        for label, row in zip(self.labels, self.confusion, strict=True):
            values = (self.recall[label], self.precision[label], self.f1[label])
            shares = ("-" if value is None else f"{100 * value:5.1f}" for value in values)
            rows.append([label, f"{sum(row):,}", *shares])
        return ("class", "n", "recall", "precision", "F1"), rows


def results_of(predictions: Predictions, *, notes: Sequence[str] = ()) -> Any:
    """Results of the decisions about one split, of one fold or of several taken together.

    Args:
        predictions: Of one split.
        notes: What else a reader must know, such as that segments were chosen by their label.

    Raises:
        ValueError: If the predictions are of more than one split.
    """
    splits = np.unique(predictions.split)
    if len(splits) != 1:
        raise ValueError(
            "Results must be of one split: choose it with `predictions.where(split=...)`. "
            f"Received: splits {', '.join(splits)}"
        )
    task, (truth, _, scores) = predictions.task, predictions.decided
    baseline = task.evaluate(truth, predictions.majority, task.constant_scores(scores))
    about = {
        "speakers": predictions.speakers,
        "intervals": task.intervals(*predictions.decided, predictions.speaker),
        "by_sex": {sex: found for sex, found in _by(predictions, predictions.sex).items() if sex},
        "by_speaker": {
            speaker: task.of_speaker(found)
            for speaker, found in _by(predictions, predictions.speaker).items()
        },
        "majority": {name: getattr(baseline, name) for name in task.figures},
        "majority_labels": tuple(
            dict.fromkeys(sorted(map(task.word, predictions.majority.tolist())))
        ),
        "notes": (*notes, *_notes(predictions)),
    }
    return task.results(predictions.decided, task.evaluate(*predictions.decided), about)


def _by(predictions: Predictions, groups: np.ndarray) -> dict[str, Any]:
    """Figures of the decisions of each group."""
    found = {}
    for name in np.unique(groups).tolist():
        chosen = groups == name
        found[name] = predictions.task.evaluate(*(part[chosen] for part in predictions.decided))
    return found


def _notes(predictions: Predictions) -> list[str]:
    notes = []
    speakers = predictions.speakers
    if speakers < FEWEST_SPEAKERS:
        notes.append(
            f"No intervals: {FEWEST_SPEAKERS} speakers at least are needed, not {speakers}."
        )
    absent = predictions.task.absent(predictions.truth)
    if absent:
        notes.append(f"Without any clip, and in no mean over classes: {', '.join(absent)}.")
    models = len(np.unique(predictions.fold))
    if len(np.unique(predictions.id)) < len(predictions):
        notes.append(f"Clips count once for each of the {models} folds whose model decides.")
    return notes
