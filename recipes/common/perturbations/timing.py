"""What is before and after speech: silence, noise, or a cut."""

import numpy as np

from recipes.common.perturbations.level import factor


def add_zeros(samples: np.ndarray, *, before: int = 0, after: int = 0) -> np.ndarray:
    """So many zeros before and after the samples."""
    return np.pad(samples, (before, after)).astype("float32")


def add_noise_around(
    samples: np.ndarray,
    rng: np.random.Generator,
    *,
    before: int = 0,
    after: int = 0,
    decibels: float = -60.0,
) -> np.ndarray:
    """So much white noise before and after the samples, of this level relative to full scale."""
    scale = factor(decibels)
    parts = rng.normal(0, scale, before), samples, rng.normal(0, scale, after)
    return np.concatenate(parts).astype("float32")


def cut(samples: np.ndarray, *, begin: int = 0, end: int = 0) -> np.ndarray:
    """Without so many samples at the begin and at the end, each at most a third of all."""
    most = len(samples) // 3
    return samples[min(begin, most) : len(samples) - min(end, most)].astype("float32")
