"""Level, clipping, offset: what a microphone and its gain do."""

import numpy as np

_STEPS = 2**15


def factor(decibels: float) -> float:
    """What samples are multiplied by.

    Example:

    >>> round(factor(-20), 3), round(factor(6), 3)
    (0.1, 1.995)
    """
    return 10 ** (decibels / 20)


def rms(samples: np.ndarray) -> float:
    """Root of the mean square; 0 of no samples."""
    return float(np.sqrt(np.mean(np.square(samples, dtype="float64")))) if len(samples) else 0.0


def gain(samples: np.ndarray, decibels: float) -> np.ndarray:
    """Louder or, below 0 dB, softer."""
    return (samples * factor(decibels)).astype("float32")


def at_level_of(samples: np.ndarray, reference: np.ndarray) -> np.ndarray:
    """The samples at the level (RMS) of others; zeros stay."""
    level = rms(samples)
    return (samples * (rms(reference) / level if level else 1)).astype("float32")


def clip_share(samples: np.ndarray, share: float) -> np.ndarray:
    """Clips so many of the samples, the largest ones, to the largest value of the others.

    Args:
        samples: The samples.
        share: Between 0 and 1.
    """
    clipped = int(share * len(samples))
    if not clipped:
        return samples.astype("float32")
    # As auglib's `ClipByRatio`: the largest one that is not clipped; of all, the smallest.
    largest = np.sort(np.abs(samples))[-min(clipped + 1, len(samples))]
    return np.clip(samples, -largest, largest).astype("float32")


def add_offset(samples: np.ndarray, offset: float) -> np.ndarray:
    """A constant (DC) on top, in shares of full scale."""
    return (samples + offset).astype("float32")


def sixteen_bits(samples: np.ndarray) -> np.ndarray:
    """As a file of 16 bits holds them: clipped at full scale, rounded to its steps."""
    steps = np.rint(np.asarray(samples, "float64") * _STEPS)
    return (np.clip(steps, -_STEPS, _STEPS - 1) / _STEPS).astype("float32")
