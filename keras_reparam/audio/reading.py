"""Audio files as arrays. Imports neither Keras nor TensorFlow."""

import contextlib
import os
import shutil
import stat
import sys
import tempfile
from collections.abc import Iterator
from typing import BinaryIO

import numpy as np

from keras_reparam._utils.validation import positive_int
from keras_reparam.audio.decoding import decode
from keras_reparam.audio.rates import at_rate


def load(path: str | os.PathLike, *, sample_rate: int = 16000) -> np.ndarray:
    """The whole of an audio file as mono float32 samples between -1 and 1.

    Reads what libsndfile reads: WAV, FLAC, Ogg Vorbis and Opus, MP3, AIFF and more; with the
    extra `formats` (PyAV) also what phones and browsers record: M4A, AMR, 3GP, WebM and more. A
    length in a header that cannot be true is not believed: all samples are read.

    Channels are averaged; where they cancel each other (stereo in opposite phase: the average has
    under 5 % of the channels' power), one of the loudest channels is taken instead. Another
    sample rate is converted by soxr as `librosa.resample` does; samples beyond -1 and 1 are
    clipped.

    Args:
        path: The file; a pipe; or `"-"`, the standard input. Those two are copied to a temporary
            file first.
        sample_rate: Samples per second of the result.

    Returns:
        float32 array `(samples,)`.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is a directory, not audio, empty, truncated, needs the extra `formats`,
            or holds samples that are NaN, infinite, or far beyond -1 and 1.

    Example:

    >>> import os, tempfile
    >>> import numpy as np, soundfile
    >>> import keras_reparam as kr
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = os.path.join(folder, "clip.wav")
    ...     soundfile.write(path, np.zeros((8000, 2)), 8000)
    ...     kr.audio.load(path, sample_rate=16000).shape
    (16000,)
    """
    blocks = list(read_blocks(path, sample_rate=sample_rate, block_length=2**18))
    return np.concatenate(blocks)


def read_blocks(
    path: str | os.PathLike, *, sample_rate: int = 16000, block_length: int
) -> Iterator[np.ndarray]:
    """The samples that `load` gives, in blocks, for files that are larger than memory.

    Memory does not grow with the length of the file. The errors are those of `load`; those that
    show only while reading are raised then, after the blocks before them, and a truncated file
    after the last block.

    Args:
        path: The file.
        sample_rate: Samples per second of the result.
        block_length: Length of a block in samples; the last one may be shorter.

    Returns:
        Iterator over float32 arrays `(block_length,)`.
    """
    sample_rate = positive_int("sample_rate", sample_rate)
    block_length = positive_int("block_length", block_length)
    blocks = at_rate(native_blocks(path), sample_rate)
    return _regrouped((np.clip(block, -1.0, 1.0) for block in blocks), block_length)


def native_blocks(path: str | os.PathLike) -> Iterator[tuple[int, np.ndarray]]:
    """Pairs of sample rate and mono samples of an audio file as it stands, not clipped.

    The errors are those of `read_blocks`. The rate changes where files were joined.
    """
    path = os.fsdecode(path)
    # Checked here, not in the generator: a caller learns of it before the first block.
    _check_file(path)
    return _decoded(path)


def duration(path: str | os.PathLike) -> float:
    """Seconds of an audio file, by its header where that can be believed, else by its samples.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is no audio.
    """
    path = os.fsdecode(path)
    _check_file(path)
    with _opened(path) as file:
        return decode.duration(file, path)


def _check_file(path: str) -> None:
    if path == "-":
        if sys.stdin is None or sys.stdin.isatty():
            raise ValueError("'-' reads audio from the standard input. Received: a terminal")
        return
    if os.path.isdir(path):
        raise ValueError(f"Expected an audio file. Received a directory: {path!r}")
    if not os.path.exists(path):
        raise FileNotFoundError(f"There is no audio file {path!r}")
    status = os.stat(path)
    if stat.S_ISREG(status.st_mode):
        if not status.st_size:
            raise ValueError(f"Expected an audio file. Received an empty file: {path!r}")
    elif not stat.S_ISFIFO(status.st_mode):
        raise ValueError(f"Expected an audio file or a pipe. Received a device: {path!r}")


@contextlib.contextmanager
def _opened(path: str) -> Iterator[BinaryIO]:
    """The file; of a pipe a copy, since a decoder wants to go back."""
    with contextlib.ExitStack() as stack:
        file = sys.stdin.buffer if path == "-" else stack.enter_context(open(path, "rb"))
        if path == "-" or not file.seekable():
            copy = stack.enter_context(tempfile.TemporaryFile())
            shutil.copyfileobj(file, copy)
            file = copy
            if not file.tell():
                raise ValueError(f"Expected an audio file. Received an empty pipe: {path!r}")
        yield file


def _decoded(path: str) -> Iterator[tuple[int, np.ndarray]]:
    empty = True
    with _opened(path) as file:
        for pair in decode.decode(file, path):
            empty = False
            yield pair
    if empty:
        raise ValueError(f"Expected an audio file with samples. Received one with none: {path!r}")


def _regrouped(blocks: Iterator[np.ndarray], length: int) -> Iterator[np.ndarray]:
    waiting = np.zeros(0, "float32")
    for block in blocks:
        waiting = np.concatenate([waiting, block])
        whole = len(waiting) // length * length
        for start in range(0, whole, length):
            yield waiting[start : start + length]
        waiting = waiting[whole:]
    if len(waiting):
        yield waiting
