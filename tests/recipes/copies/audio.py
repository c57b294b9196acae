"""Very short synthetic audio."""

import io
import random
import wave


def wav(samples, *, seed=0, rate=16000):
    """Bytes of a mono 16-bit WAV file with noise of that many samples."""
    file = io.BytesIO()
    with wave.open(file, "wb") as writer:
        writer.setnchannels(1)
        writer.setsampwidth(2)
        writer.setframerate(rate)
        writer.writeframes(random.Random(seed).randbytes(2 * samples))
    return file.getvalue()
