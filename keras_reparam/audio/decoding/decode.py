"""The samples of an audio file, whichever its format."""

import contextlib
import itertools
import threading
from collections.abc import Iterator
from typing import BinaryIO

import numpy as np

from keras_reparam.audio.decoding import libsndfile, pyav
from keras_reparam.audio.decoding.caf import parse_caf
from keras_reparam.audio.decoding.container import Container
from keras_reparam.audio.decoding.flac import parse_flac
from keras_reparam.audio.decoding.libsndfile import Undecodable, UnknownFormat
from keras_reparam.audio.decoding.mp3 import id3_length, may_be_mp3, parse_mp3
from keras_reparam.audio.decoding.names import audio_name, other_name
from keras_reparam.audio.decoding.ogg import parse_ogg
from keras_reparam.audio.decoding.view import View, read_at, size_of
from keras_reparam.audio.decoding.wav import is_wav, parse_wav
from keras_reparam.audio.mono import check_peak, mix_blocks

_HEAD = 1024


def decode(file: BinaryIO, name: str) -> Iterator[tuple[int, np.ndarray]]:
    """Pairs of the sample rate and mono float32 samples `(samples,)`, none of them empty.

    The rate changes where files of different rates were joined.

    Args:
        file: The file.
        name: What errors call it.

    Raises:
        ValueError: If it is no audio, or damaged; after the last samples, if it is truncated.
    """
    seconds, is_cut = 0.0, threading.Event()
    try:
        for rate, block in _mixed(_checked(_until_cut(_samples(file), is_cut), name)):
            seconds += len(block) / rate
            yield rate, block
    except Undecodable as error:
        raise ValueError(
            "Expected an audio file in a format that libsndfile reads, whole and undamaged. "
            f"Received: {name!r} ({error})"
        ) from error
    if is_cut.is_set():
        raise ValueError(
            f"Expected a whole audio file. Received a truncated one: {name!r} ends after "
            f"{seconds:.2f} s; copy or record it again"
        )


def duration(file: BinaryIO, name: str) -> float:
    """Seconds of an audio file, by its header where that can be believed.

    Args:
        file: The file.
        name: What errors call it.

    Raises:
        ValueError: If it is no audio.
    """
    start, head = _beginning(file)
    if other_name(head) is None:
        _, parts = _parts(file, start, head)
        # The last resort is to decode it all.
        with contextlib.suppress(UnknownFormat):
            if all(part.counted for part in parts):
                return sum(map(libsndfile.duration, parts))
    return sum(len(block) / rate for rate, block in decode(file, name))


def _until_cut(
    pairs: Iterator[tuple[int, np.ndarray]], is_cut: threading.Event
) -> Iterator[tuple[int, np.ndarray]]:
    """Notes an `EOFError`, so that the samples before it get through to the end."""
    try:
        yield from pairs
    except EOFError:
        is_cut.set()


def _mixed(pairs: Iterator[tuple[int, np.ndarray]]) -> Iterator[tuple[int, np.ndarray]]:
    """Mono samples of each run of one rate and number of channels."""
    for (rate, _), run in itertools.groupby(pairs, key=lambda pair: (pair[0], pair[1].shape[1])):
        for block in mix_blocks(block for _, block in run):
            yield rate, block


def _checked(
    pairs: Iterator[tuple[int, np.ndarray]], name: str
) -> Iterator[tuple[int, np.ndarray]]:
    seconds = 0.0
    for rate, block in pairs:
        if not np.isfinite(block).all():
            raise ValueError(
                f"Expected finite samples. Received: NaN or infinity in {name!r}, within "
                f"{seconds:.2f} s and {seconds + len(block) / rate:.2f} s"
            )
        try:
            check_peak(block)
        except ValueError as error:
            raise ValueError(f"{name!r}: {error}") from None
        seconds += len(block) / rate
        yield rate, block


def _samples(file: BinaryIO) -> Iterator[tuple[int, np.ndarray]]:
    """Pairs of the sample rate and samples `(samples, channels)`."""
    start, head = _beginning(file)
    other = other_name(head)
    if other is not None:
        what, advice = other
        raise Undecodable(f"{what}: {advice}")
    try:
        yield from _by_libsndfile(file, start, head)
    except UnknownFormat as error:
        yield from _by_pyav(file, audio_name(head), error)


def _beginning(file: BinaryIO) -> tuple[int, bytes]:
    """Where the audio begins, and its first bytes: a tag or zeros may stand before it."""
    start = id3_length(read_at(file, 0, _HEAD))
    while (head := read_at(file, start, _HEAD)) and not head.strip(b"\0"):
        start += len(head)
    return start, head


def _parts(file: BinaryIO, start: int, head: bytes) -> tuple[Container | None, list[View]]:
    """What a parser of ours makes of a file, and what libsndfile is to read."""
    container = _container(file, start, head)
    return container, container.parts if container else [View(file, [(0, size_of(file))])]


def _by_libsndfile(file: BinaryIO, start: int, head: bytes) -> Iterator[tuple[int, np.ndarray]]:
    container, parts = _parts(file, start, head)
    for index, part in enumerate(parts):
        try:
            yield from libsndfile.decode(part, trust_log=container is None)
        except UnknownFormat as error:
            if index:
                raise Undecodable(f"{error}, after its first part") from error
            if container and container.truncated:
                raise EOFError from error
            raise
    if container and container.truncated:
        raise EOFError


def _container(file: BinaryIO, start: int, head: bytes) -> Container | None:
    """What a parser of ours makes of a file; `None` where libsndfile is to read it as it is."""
    if is_wav(head):
        return parse_wav(file, start)
    if head.startswith(b"fLaC"):
        return parse_flac(file, start)
    if head.startswith(b"caff"):
        return parse_caf(file, start)
    if head.startswith(b"OggS"):
        return parse_ogg(file, start)
    return parse_mp3(file, start) if start or may_be_mp3(head) else None


def _by_pyav(
    file: BinaryIO, known: str | None, error: UnknownFormat
) -> Iterator[tuple[int, np.ndarray]]:
    if not pyav.has_pyav():
        install = "`pip install 'keras-reparam[formats]'`"
        if known is None:
            raise Undecodable(f"{error}; more formats are read after {install}") from error
        raise Undecodable(f"{known}: {install} to read it, or convert it to WAV") from error
    try:
        yield from pyav.decode(file)
    except Undecodable as by_pyav:
        raise Undecodable(f"{known}: {by_pyav}" if known else str(error)) from by_pyav
