"""Sound from one sample rate to another, block by block. At the same rate it needs NumPy alone."""

import itertools
from collections.abc import Iterable, Iterator

import numpy as np


def at_rate(pairs: Iterable[tuple[int, np.ndarray]], wanted: int) -> Iterator[np.ndarray]:
    """Pairs (sample rate, mono samples) at one rate; the rate may change from pair to pair."""
    for rate, group in itertools.groupby(pairs, key=lambda pair: pair[0]):
        blocks = (block for _, block in group)
        yield from blocks if rate == wanted else _resampled(blocks, rate, wanted)


def _resampled(blocks: Iterable[np.ndarray], rate: int, wanted: int) -> Iterator[np.ndarray]:
    """The float32 samples of `blocks` from `rate` to `wanted`; what is converted comes at once."""
    # Here, since sound at the wanted rate needs no resampler.
    import soxr

    stream = soxr.ResampleStream(rate, wanted, 1, dtype="float32", quality="HQ")
    read = written = 0
    for block in blocks:
        read += len(block)
        converted = stream.resample_chunk(block)
        written += len(converted)
        yield converted
    # As librosa: ceil(samples * ratio) of them.
    missing = -(-read * wanted // rate) - written
    converted = stream.resample_chunk(np.zeros(0, "float32"), last=True)[:missing]
    yield np.pad(converted, (0, missing - len(converted)))
