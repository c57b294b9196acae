"""Windows of sound: where they begin, how much each one weighs, and how loud they are.

The one definition, for the classifier and the recipes; Android's library has the same in Kotlin
(`core/ClipWindows.kt`, `core/Sound.kt`). Imports neither Keras nor TensorFlow.
"""

from collections import Counter
from collections.abc import Iterable, Iterator

import numpy as np

# Of `LogMel`'s frames: a frame that holds nothing but zeros is not valid.
_FRAME_SECONDS = 0.025
# How many zeros are given at once where a clip goes on after them.
_ZEROS_AT_ONCE = 2**16


def extent(samples: np.ndarray) -> slice:
    """From the first sample that is not zero up to the last one; empty if all are zero."""
    # A byte for each sample, where the indices of all would be eight.
    sounding = samples != 0
    if not sounding.any():
        return slice(0, 0)
    return slice(int(sounding.argmax()), len(samples) - int(sounding[::-1].argmax()))


class Trimmed:
    """Pairs (sample rate, samples) without the zeros before the first and after the last sound.

    In memory that does not grow with the zeros. It can be read once.

    Args:
        pairs: Sample rates, and arrays `(samples,)` of any lengths.

    Attributes:
        samples: How many were read so far, with the zeros.
        seconds: Their duration.
    """

    def __init__(self, pairs: Iterable[tuple[int, np.ndarray]]) -> None:
        self._pairs = pairs
        self._read: Counter[int] = Counter()

    @property
    def samples(self) -> int:
        return self._read.total()

    @property
    def seconds(self) -> float:
        return sum(samples / rate for rate, samples in self._read.items())

    def __iter__(self) -> Iterator[tuple[int, np.ndarray]]:
        begun = False
        # How many zeros at which rates follow what was given: they count if more sound comes.
        zeros: Counter[int] = Counter()
        for rate, block in self._pairs:
            self._read[rate] += len(block)
            sound = extent(block)
            if sound.start == sound.stop:
                zeros[rate] += len(block) if begun else 0
                continue
            for other, count in zeros.items():
                for start in range(0, count, _ZEROS_AT_ONCE):
                    yield other, np.zeros(min(_ZEROS_AT_ONCE, count - start), "float32")
            yield rate, block[0 if begun else sound.start : sound.stop]
            begun, zeros = True, Counter({rate: len(block) - sound.stop})


def windows(
    blocks: Iterable[np.ndarray], size: int, hop: int | None = None
) -> Iterator[tuple[int, np.ndarray]]:
    """Pairs (start, samples) of windows that begin `hop` samples apart, by default half a window.

    A window comes as soon as it is full. The last one may be shorter; it begins only where there
    are samples that the one before it does not hold. No samples at all are one empty window.
    `hop` is at most `size`.
    """
    hop = size // 2 if hop is None else hop
    start, held = 0, 0
    # Blocks are joined only when they fill a window: they may be single samples.
    waiting, length = [], 0
    for block in blocks:
        waiting.append(block)
        length += len(block)
        if length < size:
            continue
        joined = np.concatenate(waiting)
        while len(joined) >= size:
            yield start, joined[:size]
            start, held, joined = start + hop, size - hop, joined[hop:]
        waiting, length = [joined], len(joined)
    if length > held or start == 0:
        yield start, np.concatenate([np.zeros(0, "float32"), *waiting])


def from_first_sound(window: np.ndarray, size: int) -> np.ndarray:
    """A window from its first sample on that is not zero, followed by zeros up to `size`."""
    sound = window[extent(window).start :]
    return np.pad(sound, (0, size - len(sound)))


def valid_samples(window: np.ndarray, sample_rate: int) -> np.ndarray:
    """The samples of a window that are sound; a window weighs by how many they are.

    Those from the first to the last one that is not zero, without frames of 25 ms, counted from
    the first one, that hold nothing but zeros: what `kr.audio.frame_mask` says of frames, for
    samples.
    """
    sound = window[extent(window)]
    if not len(sound):
        return sound
    frame = max(1, round(_FRAME_SECONDS * sample_rate))
    valid = np.logical_or.reduceat(sound != 0, np.arange(0, len(sound), frame))
    return sound[np.repeat(valid, frame)[: len(sound)]]


def decibels(samples: np.ndarray) -> float:
    """Level of samples without their mean, relative to full scale; -inf if all are the same."""
    if not len(samples):
        return -np.inf
    # Relative to the first sample: a constant offset leaves zeros, not rounding.
    power = np.var(samples.astype("float64") - samples[0])
    return 10 * float(np.log10(power)) if power else -np.inf
