"""The heads: what turns a model's logits into scores, and what the scores decide."""

import numpy as np

from keras_reparam.deploy.tflite.kinds import HEADS

# From this probability on, a class of a sigmoid is taken for present.
PRESENT = 0.5


def checked_head(head: str) -> str:
    """The head, or a `ValueError` if there is none of that name."""
    if head not in HEADS:
        raise ValueError(
            f"`head` must be one of {', '.join(map(repr, HEADS))}. Received: head={head!r}"
        )
    return head


def checked_unsure_below(unsure_below: float, head: str) -> float:
    """The threshold as a float, or an error if it is no share, or one of a sigmoid."""
    if isinstance(unsure_below, bool) or not isinstance(unsure_below, int | float | np.number):
        raise TypeError(
            f"`unsure_below` must be a number from 0 to 1. Received: unsure_below={unsure_below!r}"
        )
    if not 0 <= unsure_below <= 1:
        raise ValueError(
            "`unsure_below` must be at least 0, for which no answer is unsure, and at most 1. "
            f"Received: unsure_below={unsure_below!r}"
        )
    if unsure_below and head == "sigmoid":
        raise ValueError(
            f"`unsure_below` goes with a softmax: a class of a sigmoid is there from a score of "
            f"{PRESENT} on. Leave it out. Received: unsure_below={unsure_below!r}, head={head!r}"
        )
    return float(unsure_below)


def probabilities(logits: np.ndarray, head: str) -> np.ndarray:
    """Scores `(..., classes)` of logits, in float64."""
    logits = np.asarray(logits, "float64")
    if head == "sigmoid":
        # Of a negative number alone: exp() of a large one overflows.
        small = np.exp(-np.abs(logits))
        return np.where(logits < 0, small, 1) / (1 + small)
    powers = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return powers / powers.sum(axis=-1, keepdims=True)


def decisions(scores: np.ndarray, head: str) -> np.ndarray:
    """What scores `(clips, classes)` say: the best class `(clips, 1)`, or which are present."""
    if head == "sigmoid":
        return scores >= PRESENT
    return scores.argmax(axis=-1)[:, None]


def top1_agreement(scores: np.ndarray, others: np.ndarray, head: str) -> float:
    """Share of the clips for which both say the same; of a sigmoid, in the class that fares worst.

    Both are `(clips, classes)`. Counting a sigmoid's classes together would hide one that is lost
    among many, and asking all of them at once would fail more clips the more classes there are.
    """
    same = decisions(scores, head) == decisions(others, head)
    return float(same.mean(axis=0).min())
