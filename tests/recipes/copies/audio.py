"""Synthetic audio: noise, as short as can be, or in a long file that takes little room on disk."""

import io
import random
import struct
import wave

RATE = 16000


def wav(samples, *, seed=0, rate=RATE):
    """Bytes of a mono 16-bit WAV file with noise of that many samples."""
    file = io.BytesIO()
    with wave.open(file, "wb") as writer:
        writer.setnchannels(1)
        writer.setsampwidth(2)
        writer.setframerate(rate)
        writer.writeframes(random.Random(seed).randbytes(2 * samples))
    return file.getvalue()


def write_sparse(path, samples, sounds):
    """Writes a mono 16-bit WAV file of that many zeros, as a hole, with noise at some places.

    `sounds` holds pairs of times in seconds: where noise begins and ends.
    """
    size = 2 * samples
    form = 16, 1, 1, RATE, 2 * RATE, 2, 16
    header = struct.pack("<4sI8sIHHIIHH4sI", b"RIFF", 36 + size, b"WAVEfmt ", *form, b"data", size)
    with path.open("wb") as file:
        file.write(header)
        file.truncate(len(header) + size)
        for begin, end in sounds:
            first, last = (min(round(time * RATE), samples) for time in (begin, end))
            file.seek(len(header) + 2 * first)
            file.write(random.Random(first).randbytes(2 * (last - first)))
