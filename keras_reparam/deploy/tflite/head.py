"""What makes a file's scores of a model's outputs, and what the scores say."""

import abc
import dataclasses
from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike


@dataclasses.dataclass(frozen=True)
class ScoreRow:
    """One output in a table of a clip's scores.

    Attributes:
        name: Of the output.
        text: Its score.
        filled: How long its bar is, from 0 to 1.
        beside: Words in place of a bar; `""`: there is a bar.
        named: Whether the clip's answer names it.
    """

    name: str
    text: str
    filled: float
    beside: str = ""
    named: bool = False


@dataclasses.dataclass(frozen=True)
class Head(abc.ABC):
    """What makes scores `(..., outputs)` of a model's outputs, and what they say.

    What differs between classes, labels and values differs in its subclasses alone: whoever has a
    file asks the head that its metadata names.

    Args:
        labels: Names of the outputs.
    """

    labels: tuple[str, ...] = ()

    # What a file is as good as its model by, where the truth is known.
    quality_name: ClassVar[str] = "UA"
    # What `agreement` is called.
    agreement_name: ClassVar[str] = "top-1 agreement"
    # The least standard deviation over clips, in units of `width`, of scores that vary.
    least_spread: ClassVar[float] = 0.05
    # Whether a model of one output can have it.
    takes_one: ClassVar[bool] = True
    # Why no answer is unsure; empty: some may be.
    never_unsure: ClassVar[str] = ""
    # Whether the model gives logits, which are no scores yet.
    takes_logits: ClassVar[bool] = True

    @property
    def width(self) -> float:
        """What errors of a score are measured by."""
        return 1.0

    @abc.abstractmethod
    def scores(self, outputs: ArrayLike) -> np.ndarray:
        """Of a model's outputs, in float64."""

    @abc.abstractmethod
    def agreement(self, scores: np.ndarray, others: np.ndarray) -> float:
        """How far both, `(clips, outputs)`, say the same, up to 1."""

    def same_answer(self, scores: np.ndarray, others: np.ndarray) -> bool:
        """Whether both scores `(outputs,)` of a clip name the same."""
        return self.agreement(scores[None], others[None]) == 1

    @abc.abstractmethod
    def checked_truth(self, truth: Sequence, clips: int) -> np.ndarray:
        """What is true of the clips, as an array.

        Raises:
            ValueError: If it can't be.
        """

    @abc.abstractmethod
    def quality(self, scores: np.ndarray, truth: np.ndarray) -> float:
        """How well scores `(clips, outputs)` match what `checked_truth` gave, up to 1."""

    @abc.abstractmethod
    def label(self, scores: np.ndarray) -> str | None:
        """The one output that a clip's scores `(outputs,)` name; `None`: none."""

    def values(self, scores: np.ndarray) -> dict[str, float]:
        """The values in a clip's scores `(outputs,)`, by name."""
        return {}

    @abc.abstractmethod
    def answer(self, scores: np.ndarray, *, silence: bool) -> dict[str, Any]:
        """What a clip's scores `(outputs,)` say, as JSON types."""

    @abc.abstractmethod
    def rows(self, scores: np.ndarray) -> list[ScoreRow]:
        """A row for each output, in their order."""

    @property
    @abc.abstractmethod
    def described(self) -> str:
        """What the scores are, for a model card."""

    def is_unsure(self, scores: np.ndarray, unsure_below: float) -> bool:
        """Whether a clip's scores `(outputs,)` say too little."""
        return False


def mean_recall(found: np.ndarray, truth: np.ndarray) -> float:
    """Mean over the classes that occur of the share of their clips that are right."""
    right = found == truth
    return float(np.mean([right[truth == label].mean() for label in np.unique(truth)]))


def probability_rows(
    labels: Sequence[str], scores: np.ndarray, named: Sequence[bool]
) -> list[ScoreRow]:
    """Rows of probabilities."""
    return [
        ScoreRow(label, f"{score:.1%}", float(score), named=bool(is_named))
        for label, score, is_named in zip(labels, scores.tolist(), named, strict=True)
    ]


def probability_answer(head: Head, scores: np.ndarray, *, silence: bool) -> dict[str, Any]:
    """The best class and all probabilities."""
    return {
        "label": None if silence else head.label(scores),
        "probabilities": dict(zip(head.labels, map(float, scores), strict=True)),
    }
