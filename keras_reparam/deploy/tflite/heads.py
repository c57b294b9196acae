"""The heads by name."""

import numpy as np

from keras_reparam.deploy.tflite.head import Head
from keras_reparam.deploy.tflite.kinds import HEADS
from keras_reparam.deploy.tflite.linear_head import LinearHead
from keras_reparam.deploy.tflite.sigmoid_head import SigmoidHead
from keras_reparam.deploy.tflite.softmax_head import SoftmaxHead

_HEADS: dict[str, type[Head]] = dict(
    zip(HEADS, (SoftmaxHead, SigmoidHead, LinearHead), strict=True)
)


def head_of(
    name: str,
    labels: tuple[str, ...] = (),
    *,
    unit: str = "",
    range: tuple[float, float] | None = None,
) -> Head:
    """The head of a name.

    Args:
        name: Of `HEADS`.
        labels: Names of the outputs.
        unit: Of values.
        range: Of values; needed for them, and for nothing else.

    Raises:
        ValueError: If there is none of that name, or unit and range do not go with it.
    """
    if name not in HEADS:
        raise ValueError(
            f"`head` must be one of {', '.join(map(repr, HEADS))}. Received: head={name!r}"
        )
    kind = _HEADS[name]
    if kind.takes_logits:
        if unit or range is not None:
            raise ValueError(
                '`unit` and `value_range` go with head="linear": probabilities have none. '
                f"Received: head={name!r}, unit={unit!r}, value_range={range!r}"
            )
        return kind(labels)
    return LinearHead(labels, unit=unit, range=_checked_range(range))


def quality_names(name: str) -> tuple[str, str]:
    """What the quality and the agreement of files with a head of this name are called."""
    return _HEADS[name].quality_name, _HEADS[name].agreement_name


def _checked_range(range: tuple[float, float] | None) -> tuple[float, float]:
    try:
        low, high = map(float, range or ())
    except (TypeError, ValueError):
        low = high = np.nan
    if not -np.inf < low < high < np.inf:
        raise ValueError(
            'head="linear" needs a `value_range`, the lowest and the highest value that there '
            f"are, two numbers. Received: value_range={range!r}"
        )
    return low, high


def checked_unsure_below(unsure_below: float, name: str) -> float:
    """The threshold as a float, or an error if it is no share, or the head of a name has none."""
    head = _HEADS[name]
    if isinstance(unsure_below, bool) or not isinstance(unsure_below, int | float | np.number):
        raise TypeError(
            f"`unsure_below` must be a number from 0 to 1. Received: unsure_below={unsure_below!r}"
        )
    if not 0 <= unsure_below <= 1:
        raise ValueError(
            "`unsure_below` must be at least 0, for which no answer is unsure, and at most 1. "
            f"Received: unsure_below={unsure_below!r}"
        )
    if unsure_below and head.never_unsure:
        raise ValueError(
            f"`unsure_below` goes with a softmax: {head.never_unsure}. Leave it out. "
            f"Received: unsure_below={unsure_below!r}, head={name!r}"
        )
    return float(unsure_below)
