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
