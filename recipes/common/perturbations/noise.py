"""Noise, and how it is mixed with speech."""

from collections.abc import Sequence

import numpy as np
from scipy import fft

from recipes.common.perturbations.level import factor, rms

# How much softer than the loudest a voice of a babble is at most.
_SOFTEST = -7.0


def add(samples: np.ndarray, noise: np.ndarray, decibels: float) -> np.ndarray:
    """The samples with noise of the same length, so many decibels (RMS over all) below them.

    Where either is silent there is no such ratio: the samples are as they were.
    """
    level = rms(noise)
    scale = rms(samples) / level * factor(-decibels) if level else 0
    return (samples + scale * noise).astype("float32")


def add_tone(
    samples: np.ndarray,
    rate: int,
    rng: np.random.Generator,
    *,
    frequency: float,
    peak_decibels: float,
) -> np.ndarray:
    """A sine whose peak is so many decibels below that of the samples; its phase is random.

    Args:
        samples: The samples.
        rate: Samples per second.
        rng: Draws the phase.
        frequency: In hertz.
        peak_decibels: Peak signal-to-noise ratio.
    """
    peak = np.abs(samples).max(initial=0) * factor(-peak_decibels)
    return (samples + peak * _sine(len(samples), rate, frequency, rng)).astype("float32")


def white(length: int, rng: np.random.Generator) -> np.ndarray:
    """Gaussian noise of level 1 with the same power at all frequencies."""
    return rng.standard_normal(length)


def pink(length: int, rng: np.random.Generator) -> np.ndarray:
    """Gaussian noise of level 1 whose power falls as 1 / frequency: 3 dB an octave."""
    # Lengths with large prime factors take twenty times as long.
    size = fft.next_fast_len(length, real=True)
    spectrum = fft.rfft(rng.standard_normal(size))
    places = np.arange(len(spectrum))
    shaped = fft.irfft(spectrum * (places > 0) / np.sqrt(np.maximum(places, 1)), size)[:length]
    level = rms(shaped)
    return shaped / level if level else shaped


def hum(length: int, rate: int, rng: np.random.Generator, *, frequency: float = 50.0) -> np.ndarray:
    """The mains: a sine of level 1, its phase random."""
    return np.sqrt(2) * _sine(length, rate, frequency, rng)


def babble(length: int, voices: Sequence[np.ndarray], rng: np.random.Generator) -> np.ndarray:
    """Several people who talk at once, up to 7 dB softer than the loudest.

    Args:
        length: Samples of the result.
        voices: Speech of one person each, of any length; repeated as often as need be.
        rng: Draws where each voice begins, and its level.
    """
    total = np.zeros(length)
    for voice in voices:
        level, start = rms(voice), rng.integers(max(1, len(voice)))
        loudness = factor(rng.uniform(_SOFTEST, 0))
        if level:
            total += loudness / level * np.resize(np.roll(voice, -start), length)
    return total


def stretch(length: int, recording: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """So much of a recording that goes on, such as traffic or music, from a random place on."""
    return np.resize(np.roll(recording, -rng.integers(max(1, len(recording)))), length)


def event(length: int, recording: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A short recording, such as a cough, at a random place in silence; its end may be cut."""
    found = np.zeros(length)
    start = rng.integers(max(1, length - len(recording) + 1))
    part = recording[: length - start]
    found[start : start + len(part)] = part
    return found


def _sine(length: int, rate: int, frequency: float, rng: np.random.Generator) -> np.ndarray:
    phase = rng.uniform(0, 2 * np.pi)
    return np.sin(2 * np.pi * frequency / rate * np.arange(length) + phase)
