"""Clips from audio files, several files at a time."""

import collections
import concurrent.futures
import dataclasses
import itertools
import os
import tempfile
import threading
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np

from keras_reparam.audio import read_blocks
from recipes.common.manifest import sample_range
from recipes.common.store.growing_array import int16_blocks
from recipes.common.store.index import Source, Unreadable, file_state
from recipes.common.store.layout import FULL_SCALE, SAMPLE_RATE

# Decoded samples beyond this are kept on disk, so memory does not grow with a file's length.
_BYTES_IN_MEMORY = 2**22
_BLOCK = 2**18
# More threads than this only wait for each other, and for the disk.
_MOST_THREADS = 16


@dataclasses.dataclass(frozen=True)
class _Decoded:
    """Clips of one file: its samples, and a range of them or a reason for each source."""

    samples: tempfile.SpooledTemporaryFile
    ranges: list[tuple[Source, range | Unreadable]]


class _Stopped(Exception):
    """Raised in threads whose results nobody waits for any more."""


def read_clips(
    sources: Sequence[Source], data: Path, scratch: Path
) -> Iterator[tuple[Source, Iterable[np.ndarray] | Unreadable]]:
    """Each source with its clip as int16 blocks, or with the reason why it can't be read.

    In the order given. A file is read once for all its clips that follow one another. Threads
    suffice: libsndfile, soxr and NumPy work without Python's lock.

    Args:
        sources: The clips.
        data: The corpus's folder.
        scratch: Where samples that do not fit into memory go; no file remains there.

    Raises:
        OSError: If a file changes or vanishes while it is read, or `scratch` is full.
    """
    files = [list(group) for _, group in itertools.groupby(sources, lambda source: source.path)]
    threads = min(_MOST_THREADS, os.cpu_count() or 1)
    stop = threading.Event()
    waiting: collections.deque[concurrent.futures.Future] = collections.deque()
    pool = concurrent.futures.ThreadPoolExecutor(threads)
    try:
        for clips in files:
            waiting.append(pool.submit(_decode, clips, data, scratch, stop))
            # A few files ahead, so that no thread is idle while one file takes long.
            if len(waiting) >= 2 * threads:
                yield from _clips(waiting.popleft().result())
        while waiting:
            yield from _clips(waiting.popleft().result())
    finally:
        stop.set()
        pool.shutdown(cancel_futures=True)
        for future in waiting:
            if not future.cancelled() and future.exception() is None:
                future.result().samples.close()


def _decode(sources: list[Source], data: Path, scratch: Path, stop: threading.Event) -> _Decoded:
    path = data / sources[0].path
    samples = tempfile.SpooledTemporaryFile(_BYTES_IN_MEMORY, dir=scratch)  # noqa: SIM115
    try:
        length, failure = _write_samples(path, samples, stop)
        if file_state(path) != (sources[0].bytes, sources[0].modified):
            raise OSError(f"'{path}' was changed or removed while it was read. Run it again.")
    except BaseException:
        samples.close()
        raise
    return _Decoded(samples, [(source, _range(source, length, failure)) for source in sources])


def _write_samples(path: Path, target, stop: threading.Event) -> tuple[int, str | None]:
    """How many samples were written, and why they aren't the file's, if they aren't."""
    length = 0
    try:
        for block in read_blocks(path, sample_rate=SAMPLE_RATE, block_length=_BLOCK):
            if stop.is_set():
                raise _Stopped
            target.write(as_int16(block).tobytes())
            length += len(block)
    except (ValueError, FileNotFoundError) as error:
        return length, str(error)
    return length, None


def _range(source: Source, length: int, failure: str | None) -> range | Unreadable:
    if failure is None:
        try:
            return range(*sample_range(source, length, sample_rate=SAMPLE_RATE))
        except ValueError as error:
            failure = str(error)
    return Unreadable(source.id, source.path, failure)


def _clips(decoded: _Decoded) -> Iterator[tuple[Source, Iterable[np.ndarray] | Unreadable]]:
    with decoded.samples:
        for source, found in decoded.ranges:
            if isinstance(found, range):
                yield source, int16_blocks(decoded.samples, 0, found)
            else:
                yield source, found


def as_int16(samples: np.ndarray) -> np.ndarray:
    """Samples as a store has them."""
    return np.clip(np.rint(samples * FULL_SCALE), -FULL_SCALE, FULL_SCALE - 1).astype("int16")
