"""Filters: microphones, telephone bands, tilted spectra."""

from collections.abc import Sequence
from typing import Literal

import numpy as np
from scipy import fft, signal

from recipes.common.perturbations.level import at_level_of

# Zeros after the end, into which a filter without delay rings, before the begin as well.
_RINGING = 4096


def high_pass(samples: np.ndarray, rate: int, *, cutoff: float, order: int = 1) -> np.ndarray:
    """Butterworth, 3 dB at the cut-off; from there 6 dB an octave and order."""
    return _butterworth(samples, rate, cutoff, order, "highpass")


def low_pass(samples: np.ndarray, rate: int, *, cutoff: float, order: int = 1) -> np.ndarray:
    """Butterworth, 3 dB at the cut-off."""
    return _butterworth(samples, rate, cutoff, order, "lowpass")


def band_pass(
    samples: np.ndarray, rate: int, *, low: float, high: float, order: int = 4
) -> np.ndarray:
    """Butterworth from `low` to `high` hertz; `order` is that of each side."""
    return _butterworth(samples, rate, (low, high), order, "bandpass")


def tilt(samples: np.ndarray, rate: int, direction: Literal["up", "down"]) -> np.ndarray:
    """Tilts the spectrum without delay; the level (RMS) stays.

    Up, the gain is proportional to the frequency (6 dB an octave); down, it falls in a line from 1
    at 0 Hz to 0 at half the sample rate. These are the two impulse responses of audEERING's
    `ser-tests`, as formulas.
    """
    if direction not in ("up", "down"):
        raise ValueError(f"`direction` must be 'up' or 'down'. Received: direction={direction!r}")

    def response(frequency: np.ndarray) -> np.ndarray:
        share = frequency / (rate / 2)
        return share if direction == "up" else 1 - share

    return at_level_of(_filtered(samples, rate, response), samples)


def equalize(
    samples: np.ndarray, rate: int, *, frequencies: Sequence[float], decibels: Sequence[float]
) -> np.ndarray:
    """An equalizer without delay: these gains at these frequencies, in between along a line.

    The line is one of decibels over octaves; below the first and above the last frequency the gain
    is that of the first and the last.

    Args:
        samples: The samples.
        rate: Samples per second.
        frequencies: In hertz, ascending.
        decibels: As many.
    """

    def response(frequency: np.ndarray) -> np.ndarray:
        octave = np.log2(np.maximum(frequency, 1e-3))
        return 10 ** (np.interp(octave, np.log2(frequencies), decibels) / 20)

    return _filtered(samples, rate, response).astype("float32")


def _butterworth(samples, rate, cutoff, order, kind) -> np.ndarray:
    sections = signal.butter(order, cutoff, kind, fs=rate, output="sos")
    return signal.sosfilt(sections, samples).astype("float32")


def _filtered(samples, rate, response) -> np.ndarray:
    """The samples by a real response over frequency: no delay, but echoes before a sound."""
    # Lengths with large prime factors take twenty times as long.
    length = fft.next_fast_len(len(samples) + _RINGING, real=True)
    shaped = fft.rfft(samples, length) * response(fft.rfftfreq(length, 1 / rate))
    return fft.irfft(shaped, length)[: len(samples)]
