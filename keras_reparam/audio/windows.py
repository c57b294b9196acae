"""Windows of sound: where they begin, how much each one weighs, and how loud they are.

The one definition, for the classifier and the recipes; Android's library has the same in Kotlin
(`core/ClipWindows.kt`, `core/Sound.kt`). Imports neither Keras nor TensorFlow.
"""

from collections import Counter
from collections.abc import Iterable, Iterator

import numpy as np

# Of `LogMel`'s frames: a frame that holds nothing but zeros is not valid.
_FRAME_SECONDS = 0.025
# What a window is silence by the loudest of: a tenth of a second, a syllable.
_LOUD_FRAMES = 4
# Half a step of 16 bits, which rounds to the even one: zero.
_ZERO_AT_16_BITS = 2.0**-16
# How many zeros are given at once where a clip goes on after them.
_ZEROS_AT_ONCE = 2**16
# How many samples that are nearly zero are held at most until more sound comes: some seconds.
_MOST_FAINT = 2**17


def sounding(samples: np.ndarray) -> np.ndarray:
    """Which samples are not zero at 16 bits.

    So a clip has the windows and weights of its copy in a file of 16 bits, whatever is left of its
    zeros by a lossy file or another sample rate.
    """
    # A byte for each sample, where their absolute values would be four.
    return (samples > _ZERO_AT_16_BITS) | (samples < -_ZERO_AT_16_BITS)


def extent(samples: np.ndarray) -> slice:
    """From the first sample that is not zero at 16 bits up to the last one; empty if all are."""
    heard = sounding(samples)
    if not heard.any():
        return slice(0, 0)
    return slice(int(heard.argmax()), len(samples) - int(heard[::-1].argmax()))


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
        after = _Faint()
        for rate, block in self._pairs:
            self._read[rate] += len(block)
            sound = extent(block)
            if sound.start < sound.stop:
                yield from after
                yield rate, block[0 if begun else sound.start : sound.stop]
                begun, after = True, _Faint()
            if begun:
                after.add(rate, block[sound.stop :])


class _Faint:
    """What follows the last sound, given if more sound comes; of zeros only the number is held."""

    def __init__(self) -> None:
        self._parts: list[tuple[int, np.ndarray | int]] = []
        self._held = 0

    def add(self, rate: int, block: np.ndarray) -> None:
        """What lasts long counts as zeros, too."""
        last = self._parts[-1] if self._parts else (rate, block)
        if block.any() and self._held + len(block) <= _MOST_FAINT:
            self._held += len(block)
            self._parts.append((rate, block))
        elif last[0] == rate and isinstance(last[1], int):
            self._parts[-1] = rate, last[1] + len(block)
        else:
            self._parts.append((rate, len(block)))

    def __iter__(self) -> Iterator[tuple[int, np.ndarray]]:
        for rate, part in self._parts:
            if not isinstance(part, int):
                yield rate, part
                continue
            for start in range(0, part, _ZEROS_AT_ONCE):
                yield rate, np.zeros(min(_ZEROS_AT_ONCE, part - start), "float32")


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
    """A window from its first sample on that is not zero at 16 bits, with zeros up to `size`."""
    sound = window[extent(window).start :]
    return np.pad(sound, (0, size - len(sound)))


def valid_samples(window: np.ndarray, sample_rate: int) -> np.ndarray:
    """The samples of a window that are sound; a window weighs by how many they are.

    Those from the first to the last one that is not zero at 16 bits, without frames of 25 ms,
    counted from the first one, that hold nothing but zeros: what `kr.audio.frame_mask` says of
    frames, for samples.
    """
    sound = window[extent(window)]
    if not len(sound):
        return sound
    frame = _frame(sample_rate)
    valid = np.logical_or.reduceat(sounding(sound), np.arange(0, len(sound), frame))
    return sound[np.repeat(valid, frame)[: len(sound)]]


def _frame(sample_rate: int) -> int:
    return max(1, round(_FRAME_SECONDS * sample_rate))


def loudest(valid: np.ndarray, sample_rate: int) -> float:
    """Level of the loudest tenth of a second: a window is silence by it.

    The level of all would count a speaker's pauses: soft speech is no louder, on the whole, than
    the noise of a room, but its syllables are.

    Args:
        valid: What `valid_samples` gives, in tenths of a second from its first sample on; what is
            left in the end counts only if it is all there is.
        sample_rate: Samples per second.
    """
    size = _LOUD_FRAMES * _frame(sample_rate)
    count = len(valid) // size
    if not count:
        return decibels(valid)
    blocks = valid[: count * size].reshape(count, size)
    return _level(float(np.var(blocks.astype("float64") - blocks[:, :1], axis=1).max()))


def decibels(samples: np.ndarray) -> float:
    """Level of samples without their mean, relative to full scale; -inf if all are the same."""
    if not len(samples):
        return -np.inf
    # Relative to the first sample: a constant offset leaves zeros, not rounding.
    return _level(float(np.var(samples.astype("float64") - samples[0])))


def _level(power: float) -> float:
    return 10 * float(np.log10(power)) if power else -np.inf
