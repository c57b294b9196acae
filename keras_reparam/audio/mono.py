"""Samples of several channels as those of one. Needs NumPy alone."""

from collections.abc import Iterable, Iterator

import numpy as np

# Channels are compared over so many samples at a time.
MIX_LENGTH = 2**14
# Resampled or processed speech goes a little beyond 1; integers taken for floats far beyond.
_MAX_PEAK = 32.0
# An average that has less of the channels' power than this is what they cancel to.
_CANCELED = 0.05
# Of several channels about as loud as the loudest one, always the same is taken.
_ABOUT_AS_LOUD = 0.5


def mix(channels: np.ndarray) -> np.ndarray:
    """The mean over the channels, except where they cancel each other.

    In stereo with opposite phase (one microphone wired the other way round) the mean is next to
    nothing. Where its power, without its own mean, is under 5 % of the channels', the first
    channel stands in that has at least half the power of the loudest one. This is decided anew
    every 16384 samples, so that it does not depend on how a file is cut into blocks.

    Args:
        channels: Floating-point array `(samples, channels)`.

    Returns:
        Array `(samples,)`.
    """
    if channels.shape[1] < 2:
        return channels.reshape(-1)
    mean = channels.mean(axis=1)
    for start in range(0, len(mean), MIX_LENGTH):
        stretch = slice(start, start + MIX_LENGTH)
        powers = channels[stretch].var(axis=0)
        if mean[stretch].var() < _CANCELED * powers.mean():
            first = np.argmax(powers >= _ABOUT_AS_LOUD * powers.max())
            mean[stretch] = channels[stretch, first]
    return mean


def mix_blocks(blocks: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
    """`mix` of blocks `(samples, channels)` of any lengths, as if they were one array."""
    waiting = None
    for block in blocks:
        waiting = block if waiting is None or not len(waiting) else np.concatenate([waiting, block])
        whole = len(waiting) // MIX_LENGTH * MIX_LENGTH
        if whole:
            yield mix(waiting[:whole])
            waiting = waiting[whole:]
    if waiting is not None and len(waiting):
        yield mix(waiting)


def check_peak(samples: np.ndarray) -> None:
    """Raises a `ValueError` if samples are integers that were taken for floating point."""
    peak = float(np.abs(samples).max(initial=0))
    if peak > _MAX_PEAK:
        raise ValueError(
            "Floating-point `samples` must be between -1 and 1; divide 16-bit integers by 32768. "
            f"Received: a largest absolute value of {peak:g}"
        )
