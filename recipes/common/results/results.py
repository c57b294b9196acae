"""Results of a model on one split of a corpus: the content of `metrics.json`."""

import dataclasses
from collections.abc import Sequence

import numpy as np

from recipes.common.results.calibration import expected_calibration_error
from recipes.common.results.intervals import FEWEST_SPEAKERS, intervals
from recipes.common.results.metrics import FIGURES, Metrics, evaluate
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

    labels: tuple[str, ...]
    ece: float | None = None
    speakers: int
    intervals: dict[str, tuple[float, float]] | None
    by_sex: dict[str, Metrics]
    by_speaker: dict[str, SpeakerResult]
    majority: dict[str, float]
    majority_labels: tuple[str, ...]
    notes: tuple[str, ...]


def results_of(predictions: Predictions, *, notes: Sequence[str] = ()) -> Results:
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
    labels, truth, predicted = predictions.labels, predictions.truth, predictions.predicted
    everything = evaluate(truth, predicted, labels)
    baseline = evaluate(truth, predictions.majority, labels)
    return Results(
        **vars(everything),
        labels=labels,
        ece=expected_calibration_error(truth, predicted, predictions.scores),
        speakers=len(np.unique(predictions.speaker)),
        intervals=intervals(truth, predicted, predictions.speaker, num_classes=len(labels)),
        by_sex={sex: found for sex, found in _by(predictions, predictions.sex).items() if sex},
        by_speaker={
            speaker: SpeakerResult(clips=found.clips, wa=found.wa, ua=found.ua)
            for speaker, found in _by(predictions, predictions.speaker).items()
        },
        majority={name: getattr(baseline, name) for name in FIGURES},
        majority_labels=tuple(labels[i] for i in np.unique(predictions.majority)),
        notes=(*notes, *_notes(predictions)),
    )


def _by(predictions: Predictions, groups: np.ndarray) -> dict[str, Metrics]:
    """`Metrics` of the decisions of each group."""
    found = {}
    for name in np.unique(groups).tolist():
        chosen = groups == name
        found[name] = evaluate(
            predictions.truth[chosen], predictions.predicted[chosen], predictions.labels
        )
    return found


def _notes(predictions: Predictions) -> list[str]:
    notes = []
    speakers = len(np.unique(predictions.speaker))
    if speakers < FEWEST_SPEAKERS:
        notes.append(
            f"No intervals: {FEWEST_SPEAKERS} speakers at least are needed, not {speakers}."
        )
    absent = [
        label for i, label in enumerate(predictions.labels) if not (predictions.truth == i).any()
    ]
    if absent:
        notes.append(f"Without any clip, and in no mean over classes: {', '.join(absent)}.")
    models = len(np.unique(predictions.fold))
    if len(np.unique(predictions.id)) < len(predictions):
        notes.append(f"Clips count once for each of the {models} folds whose model decides.")
    return notes
