"""Measurements that take turns, so that whatever else the machine does falls on all alike."""

import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from keras_reparam._utils.progress import track
from keras_reparam._utils.validation import positive_int


def take_turns(
    steps: Sequence[Callable[[], Any]],
    rounds: int,
    warmup: int,
    *,
    description: str,
    cached: bool = False,
    clock: Callable[[], float] = time.perf_counter,
) -> np.ndarray:
    """Seconds of every step, shape (rounds, steps); who begins changes from round to round.

    With `cached` a step runs twice in its turn and the second time counts: it finds in the cache
    what another step of the round may have driven out.

    Raises:
        ValueError: If `rounds` is no positive integer.
    """
    rounds = positive_int("rounds", rounds)
    seconds = np.zeros((rounds, len(steps)))
    for turn in track(range(-warmup, rounds), description):
        for place in range(len(steps)):
            which = (turn + place) % len(steps)
            if cached:
                steps[which]()
            start = clock()
            steps[which]()
            if turn >= 0:
                seconds[turn, which] = clock() - start
    return seconds


def compared(seconds: np.ndarray, first: np.ndarray) -> dict[str, float]:
    """Median time, and the ratio to `first` of the same rounds: median and quartiles.

    Args:
        seconds: `(rounds,)`: of one step, as `take_turns` gives them.
        first: `(rounds,)`: of the step that it is compared with.
    """
    low, middle, high = np.percentile(seconds / first, [25, 50, 75])
    return {
        "milliseconds": 1e3 * float(np.median(seconds)),
        "ratio": float(middle),
        "ratio_low": float(low),
        "ratio_high": float(high),
    }
