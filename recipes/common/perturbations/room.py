"""Synthetic rooms: exponentially decaying noise after the direct sound."""

import numpy as np
from scipy import signal

from recipes.common.perturbations.level import at_level_of, factor

# Where a tail is no longer heard: as far below its begin.
_AUDIBLE = -60.0
# From the direct sound to the first reflection, in seconds: some 80 cm of way.
_GAP = 0.0025


def impulse_response(
    rate: int, rng: np.random.Generator, *, rt60: float, direct_to_reverb: float
) -> np.ndarray:
    """Of a room that is none in particular: 1 for the direct sound, then Gaussian noise.

    Args:
        rate: Samples per second.
        rng: Draws the noise: another draw is another place in the room.
        rt60: Seconds in which reverberation falls by 60 dB.
        direct_to_reverb: Energy of the direct sound to that of all the rest, in decibels; the less,
            the farther away the speaker.

    Returns:
        float64 array `(samples,)` of `rt60` seconds and the first sample.
    """
    time = np.arange(1, round(rt60 * rate) + 1) / rate
    tail = rng.standard_normal(len(time)) * factor(_AUDIBLE) ** (time / rt60)
    tail[time < _GAP] = 0
    energy = np.sqrt(np.sum(np.square(tail)))
    scale = factor(-direct_to_reverb) / energy if energy else 0
    return np.concatenate([[1.0], scale * tail])


def reverberate(samples: np.ndarray, response: np.ndarray) -> np.ndarray:
    """The samples in a room, as long as they were, at their level (RMS)."""
    return at_level_of(signal.fftconvolve(samples, response)[: len(samples)], samples)
