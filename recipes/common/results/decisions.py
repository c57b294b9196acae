"""From the scores of examples to what is decided about: the example itself, or a participant."""

import dataclasses
from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from recipes.common.protocol.fold import Example
from recipes.common.protocol.task import Decided, Task, Value


@dataclasses.dataclass(frozen=True, kw_only=True)
class Decision:
    """One thing decided about.

    Attributes:
        id: The `decision` of its examples.
        speaker: Who speaks.
        sex: The speaker's, as the corpus gives it.
        label: What is true, as the task has it: of classes the index.
        prediction: What is said, likewise.
    """

    id: str
    speaker: str
    sex: str
    label: Value
    prediction: Value


def decide(
    examples: Sequence[Example],
    scores: ArrayLike,
    task: Task,
    *,
    rule: Literal["mean", "vote"] = "mean",
) -> tuple[list[Decision], np.ndarray]:
    """Decides once for all examples of the same `decision`.

    Args:
        examples: What was scored.
        scores: `(examples, outputs)`: of classes probabilities.
        task: What is decided.
        rule: `"mean"`: what the mean scores say; of classes the one with the highest. `"vote"`, of
            classes alone: the one that is the most probable one of most examples; of several such
            classes the one with the highest mean probability. Of classes that are still equal the
            first one.

    Returns:
        The decisions in the order in which their first examples come, and their mean
        scores, a float64 array `(decisions, outputs)`; these are the same in whatever
        order a decision's examples come.

    Raises:
        ValueError: If there are no examples, the scores are not one row each that the task may
            have, or examples of one decision differ in label, speaker or sex.
    """
    if rule not in ("mean", "vote"):
        raise ValueError(f"`rule` must be 'mean' or 'vote'. Received: rule={rule!r}")
    scores = _checked(scores, examples, task)
    members: dict[str, list[int]] = {}
    for number, example in enumerate(examples):
        members.setdefault(example.decision, []).append(number)
    decisions, means = [], []
    for numbers in members.values():
        # Sums of floats depend on their order.
        numbers.sort(key=lambda number: examples[number].id)
        mean = scores[numbers].mean(axis=0)
        said = task.decision(mean) if rule == "mean" else task.vote(scores[numbers])
        decisions.append(_decision([examples[number] for number in numbers], said))
        means.append(mean)
    return decisions, np.stack(means)


def decided(decisions: Sequence[Decision], scores: np.ndarray, task: Task) -> Decided:
    """What `decide` gave, as arrays."""
    truth = task.array([decision.label for decision in decisions])
    return truth, task.array([decision.prediction for decision in decisions]), scores


def baseline(examples: Sequence[Example], task: Task) -> Value:
    """What is said of everything by who knows these examples' truth alone: the most frequent class.

    Decisions count, not examples: a participant of whom more is heard is still one.
    """
    values = {example.decision: example.label for example in examples}
    if not values:
        raise ValueError("A majority class needs at least one example. Received: none")
    return task.baseline(list(values.values()))


def _checked(scores: ArrayLike, examples: Sequence[Example], task: Task) -> np.ndarray:
    scores = np.asarray(scores, "float64")
    if scores.ndim != 2 or len(scores) != len(examples) or not scores.size:
        raise ValueError(
            "`scores` must have one row of probabilities for each of at least one example. "
            f"Received: shape {scores.shape} for {len(examples)} examples"
        )
    bad = task.bad_scores(scores)
    if bad.any():
        first = int(np.argmax(bad))
        raise ValueError(
            f"`scores` must be {task.score_rule} for every example. Received: "
            f"{scores[first]} for '{examples[first].id}'"
        )
    return scores


def _decision(examples: Sequence[Example], prediction: Value) -> Decision:
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
