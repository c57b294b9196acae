"""From the scores of examples to what is decided about: the example itself, or a participant."""

import collections
import dataclasses
from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from recipes.common.protocol.fold import Example

# How far the probabilities of an example may be from a sum of one: those of an integer model are
# rounded to 1/256 each.
_TOLERANCE = 0.05


@dataclasses.dataclass(frozen=True, kw_only=True)
class Decision:
    """One thing decided about.

    Attributes:
        id: The `decision` of its examples.
        speaker: Who speaks.
        sex: The speaker's, as the corpus gives it.
        label: Index of the true class.
        prediction: Index of the predicted class.
    """

    id: str
    speaker: str
    sex: str
    label: int
    prediction: int


def decide(
    examples: Sequence[Example], scores: ArrayLike, *, rule: Literal["mean", "vote"] = "mean"
) -> tuple[list[Decision], np.ndarray]:
    """Decides once for all examples of the same `decision`.

    Args:
        examples: What was scored.
        scores: `(examples, classes)`: probabilities.
        rule: `"mean"`: the class with the highest mean probability. `"vote"`: the class that is
            the most probable one of most examples; of several such classes the one with the
            highest mean probability. Of classes that are still equal the first one.

    Returns:
        The decisions in the order in which their first examples come, and their mean
        probabilities, a float64 array `(decisions, classes)`; these are the same in whatever
        order a decision's examples come.

    Raises:
        ValueError: If there are no examples, the scores are not one row of probabilities each, or
            examples of one decision differ in label, speaker or sex.
    """
    if rule not in ("mean", "vote"):
        raise ValueError(f"`rule` must be 'mean' or 'vote'. Received: rule={rule!r}")
    scores = _checked(scores, examples)
    members: dict[str, list[int]] = {}
    for number, example in enumerate(examples):
        members.setdefault(example.decision, []).append(number)
    decisions, means = [], []
    for numbers in members.values():
        # Sums of floats depend on their order.
        numbers.sort(key=lambda number: examples[number].id)
        mean = scores[numbers].mean(axis=0)
        best = mean.argmax() if rule == "mean" else _vote(scores[numbers], mean)
        decisions.append(_decision([examples[number] for number in numbers], int(best)))
        means.append(mean)
    return decisions, np.stack(means)


def majority_class(examples: Sequence[Example]) -> int:
    """The class of most decisions, the first one of equals: what a majority baseline predicts.

    Decisions count, not examples: a participant of whom more is heard is still one.
    """
    counts = collections.Counter({example.decision: example.label for example in examples}.values())
    if not counts:
        raise ValueError("A majority class needs at least one example. Received: none")
    return min(counts, key=lambda label: (-counts[label], label))


def _checked(scores: ArrayLike, examples: Sequence[Example]) -> np.ndarray:
    scores = np.asarray(scores, "float64")
    if scores.ndim != 2 or len(scores) != len(examples) or not scores.size:
        raise ValueError(
            "`scores` must have one row of probabilities for each of at least one example. "
            f"Received: shape {scores.shape} for {len(examples)} examples"
        )
    # Not a number is neither.
    good = (scores >= 0).all(axis=1) & (np.abs(scores.sum(axis=1) - 1) <= _TOLERANCE)
    if not good.all():
        first = int(np.argmin(good))
        raise ValueError(
            "`scores` must be probabilities that add up to one for every example. Received: "
            f"{scores[first]} for '{examples[first].id}'"
        )
    return scores


def _vote(scores: np.ndarray, mean: np.ndarray) -> int:
    votes = np.bincount(scores.argmax(axis=1), minlength=len(mean))
    return int(np.where(votes == votes.max(), mean, -1).argmax())


def _decision(examples: Sequence[Example], prediction: int) -> Decision:
    about = {(example.speaker, example.sex, example.label) for example in examples}
    if len(about) > 1:
        raise ValueError(
            "Examples of one decision must have the same speaker, sex and label. Received: "
            f"{sorted(about)} for '{examples[0].decision}'"
        )
    first = examples[0]
    return Decision(
        id=first.decision,
        speaker=first.speaker,
        sex=first.sex,
        label=first.label,
        prediction=prediction,
    )
