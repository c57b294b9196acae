"""Clips at other speeds."""

import numpy as np
import soxr

from recipes.common.store.layout import SAMPLE_RATE


def length_at(length: int, speed: float) -> int:
    """How many samples `at_speed` gives of a waveform of `length` samples."""
    return max(round(length / speed), 1)


def at_speed(samples: np.ndarray, speed: float) -> np.ndarray:
    """The waveform played `speed` times as fast, with its pitch."""
    if speed == 1:
        return samples
    found = soxr.resample(samples, SAMPLE_RATE * speed, SAMPLE_RATE, quality="HQ")
    length = length_at(len(samples), speed)
    return np.pad(found[:length], (0, max(length - len(found), 0)))
