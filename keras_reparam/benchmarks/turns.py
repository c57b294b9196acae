"""Measurements that take turns, so that whatever else the machine does falls on all alike."""

import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from keras_reparam.benchmarks.progress import progress


def take_turns(
    steps: Sequence[Callable[[], Any]], rounds: int, warmup: int, *, description: str
) -> np.ndarray:
    """Seconds of every step, shape (rounds, steps); who begins changes from round to round."""
    seconds = np.zeros((rounds, len(steps)))
    for turn in progress(range(-warmup, rounds), description):
        for place in range(len(steps)):
            which = (turn + place) % len(steps)
            start = time.perf_counter()
            steps[which]()
            if turn >= 0:
                seconds[turn, which] = time.perf_counter() - start
    return seconds
