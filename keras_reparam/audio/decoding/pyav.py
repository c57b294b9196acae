"""Samples by PyAV, which brings FFmpeg's decoders: what libsndfile does not read."""

import importlib.util
from collections.abc import Iterator
from typing import BinaryIO

import numpy as np

from keras_reparam.audio.decoding import matroska
from keras_reparam.audio.decoding.libsndfile import Undecodable

# Durations in a header are rounded, and an encoder's delay may be counted or not.
_HARMLESS_SECONDS = 0.25
# Containers whose durations are written down; others' are guesses by the bitrate.
_WITH_DURATION = {"mov", "matroska"}


def has_pyav() -> bool:
    """Whether PyAV is installed."""
    return importlib.util.find_spec("av") is not None


def decode(file: BinaryIO) -> Iterator[tuple[int, np.ndarray]]:
    """Pairs of the sample rate and float32 samples `(samples, channels)`.

    Args:
        file: The file.

    Raises:
        Undecodable: If it is no audio, or the data is damaged.
        EOFError: After the last samples, if there should be more.
    """
    import av
    from av.error import FFmpegError

    cut = matroska.is_cut(file)
    file.seek(0)
    try:
        with av.open(file, "r") as container:
            stream = container.streams.best("audio")
            if stream is None:
                raise Undecodable("a file without sound")
            seconds = 0.0
            for packet in container.demux(stream):
                cut |= packet.is_corrupt
                for rate, block in _floats(packet.decode()):
                    seconds += len(block) / rate
                    yield rate, block
            promised = _duration(container, stream)
            if cut or seconds < 0.99 * promised - _HARMLESS_SECONDS:
                raise EOFError
    except FFmpegError as error:
        if cut:
            raise EOFError from error
        raise Undecodable(error.strerror or str(error)) from error


def _floats(frames) -> Iterator[tuple[int, np.ndarray]]:
    import av

    for frame in frames:
        resampler = av.AudioResampler("fltp", frame.layout, frame.sample_rate)
        for converted in resampler.resample(frame):
            yield frame.sample_rate, converted.to_ndarray().T


def _duration(container, stream) -> float:
    """Seconds that the header promises; 0 if it promises none."""
    if not _WITH_DURATION & set(container.format.name.split(",")):
        return 0.0
    if stream.duration is not None:
        return float(stream.duration * stream.time_base)
    return (container.duration or 0) / 1e6
