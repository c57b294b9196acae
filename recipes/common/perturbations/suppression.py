"""Noise suppression, as phones and video calls have it."""

import numpy as np
from scipy import signal

# Seconds of a window; they overlap by half.
_WINDOW = 0.032
# Of a band's frames, the share in which nobody speaks: their power is the noise's.
_PAUSES = 0.2
# How many times the noise's power is taken away, so that hardly any of its peaks stay.
_OVER_SUBTRACTION = 4.0


def suppress(samples: np.ndarray, rate: int, *, decibels: float) -> np.ndarray:
    """The samples without most of the noise that is always there: spectral subtraction.

    A band's power `P` becomes `max(P - 4 N, g P)`, where `g` is the largest attenuation and `N` the
    mean of noise that has the band's 20 % quantile over the frames that hold sound.

    Args:
        samples: The samples.
        rate: Samples per second.
        decibels: The largest attenuation, above 0.

    Reference:
        Berouti et al., Enhancement of speech corrupted by acoustic noise, ICASSP 1979.
    """
    length = min(int(_WINDOW * rate), len(samples))
    if length < 2:
        return samples
    about = {"fs": rate, "nperseg": length}
    _, _, spectrum = signal.stft(samples, **about)
    power = np.abs(spectrum) ** 2
    sounding = power.sum(axis=0) > 0
    if not sounding.any():
        return samples
    quantile = np.quantile(power[:, sounding], _PAUSES, axis=1, keepdims=True)
    # The power of noise is distributed exponentially.
    noise = quantile / -np.log1p(-_PAUSES)
    kept = 1 - _OVER_SUBTRACTION * noise / np.maximum(power, 1e-30)
    gain = np.sqrt(np.maximum(kept, 10 ** (-decibels / 10)))
    _, found = signal.istft(spectrum * gain, **about)
    return found[: len(samples)].astype("float32")
