"""Samples by libsndfile."""

import contextlib
import re
from collections.abc import Iterator

import numpy as np
import soundfile

from keras_reparam.audio.decoding.quiet import quiet_mpg123
from keras_reparam.audio.decoding.view import View

# How many samples of all channels together are read at once.
_SAMPLES_AT_ONCE = 2**18
# libsndfile notes in its log what a header promises and the file does not hold.
_PROMISED = re.compile(r":\s*(\d+) \(should be (\d+)\)")
# Programs that write into a pipe cannot know the length, and put the largest number instead.
_UNKNOWN_BYTES = 2**31 - 2**16
# Sizes that are wrong by a chunk header or a padding byte are common, and harmless.
_HARMLESS_BYTES = 64


class Undecodable(Exception):
    """What is no audio for a decoder; the message says why."""


class UnknownFormat(Undecodable):
    """What a decoder cannot even open."""


def decode(view: View, *, trust_log: bool) -> Iterator[tuple[int, np.ndarray]]:
    """Pairs of the sample rate and float32 samples `(samples, channels)`.

    Args:
        view: A whole file.
        trust_log: Whether sizes that libsndfile finds wrong mean that the file is truncated.

    Raises:
        UnknownFormat: If it is no audio that libsndfile reads.
        Undecodable: If the data is damaged.
        EOFError: After the last samples, if there should be more.
    """
    with _open(view) as sound:
        read = 0
        size = max(1, _SAMPLES_AT_ONCE // sound.channels)
        while len(block := _read(sound, size)):
            read += len(block)
            yield sound.samplerate, block
        if view.counted and read < 0.99 * sound.frames:
            raise EOFError
        if trust_log and _is_short(sound.extra_info):
            raise EOFError


def duration(view: View) -> float:
    """Seconds by the header.

    Raises:
        UnknownFormat: If it is no audio that libsndfile reads.
    """
    with _open(view) as sound:
        return sound.frames / sound.samplerate


def _open(view: View) -> soundfile.SoundFile:
    # What begins otherwise may be given to libmpg123.
    silent = view.read(4) in (b"RIFF", b"fLaC", b"OggS")
    view.seek(0)
    try:
        with contextlib.nullcontext() if silent else quiet_mpg123():
            return soundfile.SoundFile(view)
    except soundfile.LibsndfileError as error:
        raise UnknownFormat(_reason(error)) from error


def _read(sound: soundfile.SoundFile, size: int) -> np.ndarray:
    silent = not sound.subtype.startswith("MPEG_LAYER")
    try:
        with contextlib.nullcontext() if silent else quiet_mpg123():
            return sound.read(size, dtype="float32", always_2d=True)
    except soundfile.LibsndfileError as error:
        raise Undecodable(_reason(error)) from error


def _reason(error: soundfile.LibsndfileError) -> str:
    return (error.error_string or "no header, or damaged data").rstrip(".")


def _is_short(log: str) -> bool:
    """Whether the file is shorter than its header says, by libsndfile's log."""
    return any(
        int(size) - int(found) > _HARMLESS_BYTES and int(size) < _UNKNOWN_BYTES
        for size, found in _PROMISED.findall(log)
    )
