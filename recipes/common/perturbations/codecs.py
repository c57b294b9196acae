"""What a telephone, a messenger or a music file leaves of speech."""

import fractions
import functools
import importlib.util
import io
from typing import Literal

import numpy as np
import soxr

from recipes.common.perturbations.level import sixteen_bits

_MU = 255
# Encoder and container of FFmpeg, samples per second, and by how many samples it is late where no
# header says so.
_CODECS = {
    "amr_nb": ("libopencore_amrnb", "amr", 8000, 40),
    "opus": ("libopus", "ogg", 16000, 0),
    "mp3": ("libmp3lame", "mp3", 16000, 0),
}
Codec = Literal["amr_nb", "opus", "mp3"]


def resample(samples: np.ndarray, rate: int, wanted: int) -> np.ndarray:
    """At another rate, by soxr."""
    if rate == wanted:
        return samples
    return soxr.resample(np.asarray(samples, "float32"), rate, wanted, quality="HQ")


def narrow(samples: np.ndarray, rate: int, *, through: int) -> np.ndarray:
    """At another rate and back: nothing above half of the lower one is left."""
    return _length(resample(resample(samples, rate, through), through, rate), len(samples))


def mu_law(samples: np.ndarray) -> np.ndarray:
    """Each sample in 8 bits on the logarithmic scale of ITU-T G.711, by its formula, and back.

    A sign and 127 steps; zeros stay.
    """
    clipped = np.clip(samples, -1, 1)
    steps = np.rint(127 * np.log1p(_MU * np.abs(clipped)) / np.log1p(_MU))
    back = np.expm1(steps / 127 * np.log1p(_MU)) / _MU
    return (np.sign(clipped) * back).astype("float32")


@functools.cache
def available(codec: Codec) -> bool:
    """Whether PyAV (extra `formats`) is there and can encode this."""
    if importlib.util.find_spec("av") is None:
        return False
    import av

    try:
        av.Codec(_CODECS[codec][0], "w")
    except ValueError:
        return False
    return True


def encode(samples: np.ndarray, rate: int, codec: Codec, *, bits: int) -> np.ndarray:
    """The samples after a lossy codec, in time with what they were.

    Args:
        samples: The samples.
        rate: Samples per second. AMR-NB works at 8 kHz, Opus and MP3 at 16 kHz.
        codec: What they are encoded by.
        bits: Bits per second.

    Raises:
        ValueError: If PyAV can't encode it.
    """
    if codec not in _CODECS:
        raise ValueError(f"`codec` must be one of {', '.join(_CODECS)}. Received: codec={codec!r}")
    if not available(codec):
        raise ValueError(f"'{codec}' needs PyAV with this encoder: python -m pip install av")
    encoder, container, wanted, late = _CODECS[codec]
    converted = resample(samples, rate, wanted)
    # The encoder holds samples back: zeros push them out.
    pushed = np.pad(sixteen_bits(converted), (0, late))
    decoded, decoded_rate = _decoded(_encoded(pushed, encoder, container, wanted, bits))
    found = resample(decoded, decoded_rate, wanted)[late:]
    return _length(resample(found, wanted, rate), len(samples))


def _encoded(samples: np.ndarray, encoder: str, container: str, rate: int, bits: int) -> io.BytesIO:
    import av

    frame = av.AudioFrame.from_ndarray(
        np.rint(samples * 2**15).astype("int16")[None], format="s16", layout="mono"
    )
    frame.sample_rate, frame.pts, frame.time_base = rate, 0, fractions.Fraction(1, rate)
    file = io.BytesIO()
    with av.open(file, "w", format=container) as output:
        stream = output.add_stream(encoder, rate=rate, bit_rate=bits, layout="mono")
        for source in (frame, None):
            output.mux(stream.encode(source))
    file.seek(0)
    return file


def _decoded(file: io.BytesIO) -> tuple[np.ndarray, int]:
    import av

    with av.open(file, "r") as source:
        frames = list(source.decode(audio=0))
    blocks = [frame.to_ndarray().reshape(-1) for frame in frames]
    samples = np.concatenate(blocks).astype("float32")
    return samples / (2**15 if blocks[0].dtype == np.int16 else 1), frames[0].sample_rate


def _length(samples: np.ndarray, length: int) -> np.ndarray:
    return np.pad(samples[:length], (0, max(0, length - len(samples)))).astype("float32")
