"""What is to be told of a clip."""

import abc
import dataclasses
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from recipes.common.manifest import Segment
from recipes.common.protocol.figure import Figure

if TYPE_CHECKING:
    import keras

# What is true of an example, or said of it: the index of a class; 1 or 0 for each label; a number;
# the share of each class.
Value = int | tuple[float, ...] | float
# Of decisions: what is true, what is said, both as `Task.array` has them, and scores
# `(decisions, outputs)`.
Decided = tuple[np.ndarray, np.ndarray, np.ndarray]


@dataclasses.dataclass(frozen=True)
class Task(abc.ABC):
    """What is to be told of a clip: a class, any number of labels, a number, or shares of classes.

    All that depends on which of them it is, is here: what is read from a manifest, what the model
    learns, how its outputs become scores and decisions, how these are measured and shown, and what
    the exported file says. Whoever trains, scores or reports asks the task, not its kind.

    Args:
        names: Of the model's outputs: the classes or labels in their order, or that of the value.
        target: The manifest's column.
    """

    names: tuple[str, ...]
    target: str = "label"

    kind: ClassVar[str]
    # What decisions are measured by, by the attribute's name; the first one chooses the epoch where
    # nothing else is said.
    figures: ClassVar[Mapping[str, Figure]]
    # Those of `figures` that get larger the better the decisions are.
    selectable: ClassVar[tuple[str, ...]]
    # What `names` are of, and what a table of parts is of.
    named: ClassVar[str] = "Classes"
    parts_named: ClassVar[str] = "Classes"
    # What a file gives, in a word.
    given: ClassVar[str] = "Probabilities"
    # What scores must be, in words.
    score_rule: ClassVar[str]
    # What begins the columns of scores in `predictions.csv`.
    score_prefix: ClassVar[str] = "probability_"
    # Name of the picture of an evaluation.
    picture: ClassVar[str]
    # What settings have no meaning for it, and what each must be then.
    without: ClassVar[Mapping[str, Any]] = {}

    def __post_init__(self):
        object.__setattr__(self, "names", tuple(self.names))

    def titled(self, corpus: str) -> str:
        """The task in a title, from that of the corpus, as in `"Emotions in German speech"`."""
        return corpus if self.target == "label" else f"{self.target.capitalize()}, {corpus}"

    @property
    def field(self) -> str:
        """What the field calls it."""
        found = "speech emotion recognition"
        return found if self.target == "label" else f"{self.target} from speech"

    def chance(self, clips: int) -> str:
        """How far chance moves the figures of so many decisions about few speakers."""
        return "other speakers may move the figures far."

    @property
    @abc.abstractmethod
    def output(self) -> str:
        """What a file's scores are, for a card."""

    def check(self, settings: Any) -> None:
        """Raises a `ValueError` that names the settings that do not go with the task."""
        wrong = [
            f"`{name}` must be {value!r} and is {found!r}"
            for name, value in self.without.items()
            if (found := getattr(settings, name, value)) != value and name not in settings.any_task
        ]
        figures = (*self.selectable, "last")
        if settings.select_on not in figures:
            wrong.append(
                f"`select_on` must be one of {', '.join(figures)} and is {settings.select_on!r}"
            )
        if wrong:
            raise ValueError(f"Of {self.described} {'; '.join(wrong)}")

    @property
    @abc.abstractmethod
    def described(self) -> str:
        """What it is, in a few words, as in `"4 classes"`."""

    @property
    @abc.abstractmethod
    def answers(self) -> str:
        """What a model gives, for a card: as in `"the probabilities of anger, neutral"`."""

    @property
    @abc.abstractmethod
    def limits(self) -> str:
        """What a model of it can't do, in a sentence."""

    # What is true.

    @abc.abstractmethod
    def value_of(self, segment: Segment) -> Value | None:
        """What is true of a segment; `None`: it is none of this task's."""

    @abc.abstractmethod
    def word(self, value: Any) -> str:
        """A value as it stands in `predictions.csv`."""

    @abc.abstractmethod
    def parsed(self, word: str) -> Value:
        """The value of a word.

        Raises:
            ValueError: If it is none; the message says what it must be.
        """

    @abc.abstractmethod
    def array(self, values: Sequence[Value]) -> np.ndarray:
        """Values as an array `(values, ...)`."""

    @abc.abstractmethod
    def strata(self, values: Sequence[Value]) -> list[int]:
        """Of each value a number that those have in common that are alike."""

    @abc.abstractmethod
    def unlearnable(self, values: Sequence[Value]) -> list[str]:
        """What a model can't learn where these are all values of its training."""

    # What is learnt.

    @abc.abstractmethod
    def targets(self, values: Sequence[Value]) -> np.ndarray:
        """What the training model is to give, float32 `(values, outputs)`."""

    def rarity(self, values: Sequence[Value]) -> np.ndarray:
        """What each value weighs so that rare ones count as much, float32 `(values,)`."""
        return np.ones(len(values), "float32")

    @abc.abstractmethod
    def loss(self, settings: Any) -> "keras.losses.Loss":
        """Of what `targets` gives, and the training model's outputs."""

    @property
    def scale(self) -> tuple[float, float]:
        """Factor and offset that make what a trained model gives of what it gives in training."""
        return 1.0, 0.0

    # What is said.

    @abc.abstractmethod
    def scores(self, outputs: np.ndarray) -> np.ndarray:
        """Scores `(..., outputs)` of what a trained model gives."""

    @abc.abstractmethod
    def bad_scores(self, scores: np.ndarray) -> np.ndarray:
        """`(examples,)`: whether scores `(examples, outputs)` can't be."""

    @abc.abstractmethod
    def decision(self, mean: np.ndarray) -> Value:
        """What mean scores `(outputs,)` say."""

    def vote(self, scores: np.ndarray) -> Value:
        """What most of several examples' scores `(examples, outputs)` say.

        Raises:
            ValueError: If the task has no vote.
        """
        raise ValueError(f"A vote is one of classes. Received: {self.described}")

    @abc.abstractmethod
    def baseline(self, values: Sequence[Value]) -> Value:
        """What is said of everything by who knows no more than these values."""

    # How good that is.

    @abc.abstractmethod
    def evaluate(self, truth: np.ndarray, predicted: np.ndarray, scores: np.ndarray) -> Any:
        """The figures of decisions: a dataclass with `figures` as attributes, and `clips`."""

    def constant_scores(self, scores: np.ndarray) -> np.ndarray:
        """Scores of who says the same of everything."""
        return np.zeros_like(scores)

    @abc.abstractmethod
    def validation_loss(self, truth: np.ndarray, scores: np.ndarray) -> float:
        """What goes down as scores get better."""

    @abc.abstractmethod
    def intervals(
        self, truth: np.ndarray, predicted: np.ndarray, scores: np.ndarray, speakers: np.ndarray
    ) -> dict[str, tuple[float, float]] | None:
        """95 % intervals of `figures` over speakers; `None` with fewer than three."""

    # Which of `figures` follow from `tally` alone.
    counted: ClassVar[tuple[str, ...]]

    @abc.abstractmethod
    def tally(self, truth: Value, predicted: Value) -> np.ndarray:
        """What a decision adds to an array from which the figures of many follow."""

    @abc.abstractmethod
    def figures_of(self, tallies: np.ndarray) -> dict[str, np.ndarray]:
        """The figures of `counted`, `(...)` by name, of sums of tallies `(..., *one)`."""

    @abc.abstractmethod
    def results(self, decided: Decided, figures: Any, about: Mapping[str, Any]) -> Any:
        """`figures` together with what `results_of` knows about them: a dataclass."""

    @abc.abstractmethod
    def of_speaker(self, figures: Any) -> Any:
        """What is kept of one speaker's figures."""

    def absent(self, truth: np.ndarray) -> list[str]:
        """Names that are true of no decision."""
        return []

    @abc.abstractmethod
    def draw(self, path: Path, decided: Decided, results: Any, *, title: str, subtitle: str):
        """Writes the picture of an evaluation."""

    def calibration(self, outputs: np.ndarray, decide: Callable[[np.ndarray], Decided]) -> Any:
        """How scores of the validation split are calibrated; `None`: they are not.

        Args:
            outputs: `(windows, outputs)` of the trained model.
            decide: What is decided with such outputs.
        """
        return None

    def sure_answers(self, decided: Decided, *, unsure_below: float) -> dict[str, float | None]:
        """Coverage and accuracy of the answers that are not unsure."""
        raise ValueError(f"No answer is unsure. Received: {self.described}")

    # The file.

    @property
    @abc.abstractmethod
    def export_options(self) -> dict[str, Any]:
        """What `keras_reparam.export_tflite` must know of the outputs."""

    @abc.abstractmethod
    def agreement(self, predictions: np.ndarray, others: np.ndarray) -> float:
        """How far two models decide the same, up to 1; both as `array` has them."""

    @abc.abstractmethod
    def clearness(
        self, values: Sequence[Value], scores: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Which clips a runtime's test should replay.

        Returns:
            Whether each clip's scores `(clips, outputs)` are wrong, and how far they are from
            saying something else.
        """

    @abc.abstractmethod
    def card_columns(self, results: Any, sure: Mapping[str, float | None]) -> dict[str, str]:
        """Further columns of a card's table, as in the recall of each class.

        Args:
            results: Of `results`.
            sure: Of `sure_answers`; empty: none is unsure.
        """

    @property
    @abc.abstractmethod
    def measures(self) -> str:
        """What the figures of a card are, in sentences; `{}` stands for what is decided about."""

    @abc.abstractmethod
    def header_metrics(self, figures: Any) -> list[dict[str, Any]]:
        """What a card's header says of the figures: type, name and value each."""
