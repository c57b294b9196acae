"""Audio files as arrays. Imports neither Keras nor TensorFlow."""

import os
import re
from collections.abc import Iterable, Iterator

import numpy as np
import soundfile
import soxr

from keras_reparam.audio._validation import positive_int

# How many samples of all channels together are read at once.
_SAMPLES_AT_ONCE = 2**18

# libsndfile notes in its log what a header promises and the file does not hold.
_PROMISED = re.compile(r":\s*(\d+) \(should be (\d+)\)")
# Programs that write into a pipe cannot know the length, and put the largest number instead.
_UNKNOWN_BYTES = 2**31 - 2**16
# Largest size of an Ogg page in bytes.
_OGG_PAGE = 27 + 255 + 255 * 255
# Sizes that are wrong by a chunk header or a padding byte are common, and harmless.
_HARMLESS_BYTES = 64


def load(path: str | os.PathLike, *, sample_rate: int = 16000) -> np.ndarray:
    """The whole of an audio file as mono float32 samples between -1 and 1.

    Reads what libsndfile reads: WAV, FLAC, Ogg Vorbis and Opus, MP3, AIFF and more. Channels
    are averaged; another sample rate is converted by soxr as `librosa.resample` does; samples
    beyond -1 and 1 are clipped.

    Args:
        path: The file.
        sample_rate: Samples per second of the result.

    Returns:
        float32 array `(samples,)`.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is a directory, not audio, empty, truncated, or holds NaN or infinite
            samples.

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
    path = os.fspath(path)
    # Checked here, not in the generator: a caller learns of it before the first block.
    if os.path.isdir(path):
        raise ValueError(f"Expected an audio file. Received a directory: {path!r}")
    if not os.path.exists(path):
        raise FileNotFoundError(f"There is no audio file {path!r}")
    if os.path.getsize(path) == 0:
        raise ValueError(f"Expected an audio file. Received an empty file: {path!r}")
    return _regrouped(_resampled(path, sample_rate), block_length)


def _resampled(path: str, sample_rate: int) -> Iterator[np.ndarray]:
    """Mono samples at the wanted rate, clipped, in blocks of any length."""
    try:
        with soundfile.SoundFile(path) as file:
            blocks = _mono(path, file)
            if file.samplerate != sample_rate:
                blocks = resample_blocks(blocks, file.samplerate, sample_rate)
            for block in blocks:
                yield np.clip(block, -1.0, 1.0)
    except (soundfile.LibsndfileError, TypeError) as error:
        # A TypeError is how soundfile asks for the format of headerless ".raw" files.
        reason = getattr(error, "error_string", "") or "no header, or damaged data"
        raise ValueError(
            "Expected an audio file in a format that libsndfile reads, whole and undamaged. "
            f"Received: {path!r} ({reason.rstrip('.')})"
        ) from error


def _mono(path: str, file: soundfile.SoundFile) -> Iterator[np.ndarray]:
    promised = file.frames
    frames = 0
    size = max(1, _SAMPLES_AT_ONCE // file.channels)
    while len(block := file.read(size, dtype="float32", always_2d=True)):
        # NaN and infinity pass through sums: one look at the mean of the channels is enough.
        mono = block[:, 0] if block.shape[1] == 1 else block.mean(axis=1)
        if not np.isfinite(mono).all():
            raise ValueError(
                f"Expected finite samples. Received: NaN or infinity in {path!r}, within "
                f"{frames / file.samplerate:.2f} s and "
                f"{(frames + len(mono)) / file.samplerate:.2f} s"
            )
        frames += len(mono)
        yield mono
    if frames < 0.99 * promised or _is_short(file.extra_info) or _lacks_end(path, file.format):
        raise ValueError(
            f"Expected a whole audio file. Received a truncated one: {path!r} ends after "
            f"{frames / file.samplerate:.2f} s; copy or record it again"
        )
    if not frames:
        raise ValueError(f"Expected an audio file with samples. Received one with none: {path!r}")


def _is_short(log: str) -> bool:
    """Whether the file is shorter than its header says, by libsndfile's log."""
    return any(
        int(size) - int(found) > _HARMLESS_BYTES and int(size) < _UNKNOWN_BYTES
        for size, found in _PROMISED.findall(log)
    )


def _lacks_end(path: str, file_format: str) -> bool:
    """Whether the last page of an Ogg file is cut, or is not marked as the last one (RFC 3533)."""
    if file_format != "OGG":
        return False
    with open(path, "rb") as file:
        file.seek(max(0, os.path.getsize(path) - _OGG_PAGE))
        tail = file.read()
    page = tail[tail.rfind(b"OggS") :]
    if len(page) < 27 or not page[5] & 4:
        return True
    sizes = page[27 : 27 + page[26]]
    return len(page) < 27 + page[26] + sum(sizes)


def resample_blocks(blocks: Iterable[np.ndarray], rate: int, wanted: int) -> Iterator[np.ndarray]:
    """The float32 samples of `blocks` from `rate` to `wanted`; what is converted comes at once."""
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
