"""A poor telephone line, as audEERING's `ser-tests` have it, and one by formulas alone."""

import numpy as np
from scipy import signal

from recipes.common.perturbations import noise
from recipes.common.perturbations.codecs import encode, mu_law, narrow, resample
from recipes.common.perturbations.filters import band_pass, high_pass
from recipes.common.perturbations.level import at_level_of, factor

_RATE = 8000
_BITS = 7400
# Of the compressor: decibels, and seconds.
_THRESHOLD, _SLOPE, _KNEE = -20.0, 0.8, 4.0
_ATTACK, _RELEASE = 0.01, 0.02
# Of the noise that fills the band above the telephone's.
_NOISE, _NOISE_FROM = -25.0, 3000


def low_quality(
    samples: np.ndarray, rate: int, rng: np.random.Generator, *, encoded: bool = True
) -> np.ndarray:
    """Compressor, AMR-NB at 7.4 kb/s, and faint noise above it; the level (RMS) stays.

    The samples at full scale are compressed above -20 dB, encoded at 8 kHz, and at full scale
    again get pink noise above 3 kHz, whose peak is 25 dB below.

    Args:
        samples: The samples.
        rate: Samples per second.
        rng: Draws the noise.
        encoded: Whether a codec is used; all else needs no library for it.

    Raises:
        ValueError: If PyAV can't encode AMR-NB.
    """
    line = compress(_full_scale(resample(samples, rate, _RATE)), _RATE)
    if encoded:
        line = encode(line, _RATE, "amr_nb", bits=_BITS)
    heard = _full_scale(line)
    back = resample(heard, _RATE, rate)[: len(samples)]
    back = np.pad(back, (0, len(samples) - len(back)))
    hiss = high_pass(_full_scale(noise.pink(len(back), rng)), rate, cutoff=_NOISE_FROM, order=2)
    return at_level_of(_full_scale(back) + factor(_NOISE) * hiss, samples)


def mu_law_line(samples: np.ndarray, rate: int) -> np.ndarray:
    """300 to 3400 Hz at 8 kHz in mu-law, whatever the level: what a fixed network transmits."""
    line = band_pass(narrow(samples, rate, through=_RATE), rate, low=300, high=3400)
    return narrow(mu_law(line), rate, through=_RATE)


def compress(
    samples: np.ndarray,
    rate: int,
    *,
    threshold: float = _THRESHOLD,
    slope: float = _SLOPE,
    knee: float = _KNEE,
) -> np.ndarray:
    """A compressor: above the threshold the output rises by `slope` decibels a decibel.

    Args:
        samples: The samples.
        rate: Samples per second.
        threshold: In decibels relative to full scale.
        slope: Between 0, which limits, and 1, which changes nothing.
        knee: Decibels on either side of the threshold where the line bends, as a parabola.
    """
    above = 20 * np.log10(np.maximum(_envelope(samples, rate), 1e-6)) - threshold
    bent = np.square(np.clip(above + knee, 0, 2 * knee)) / (4 * knee)
    excess = np.where(above < knee, bent, above)
    return (samples * 10 ** ((slope - 1) * excess / 20)).astype("float32")


def _envelope(samples: np.ndarray, rate: int) -> np.ndarray:
    """Amplitude: rises within the attack, falls within the release."""
    size = np.abs(samples)
    slow, fast = (
        signal.lfilter([1 - decay], [1, -decay], size)
        for decay in (np.exp(-1 / (seconds * rate)) for seconds in (_RELEASE, _ATTACK))
    )
    return np.maximum(slow, fast)


def _full_scale(samples: np.ndarray) -> np.ndarray:
    peak = np.abs(samples).max(initial=0)
    return samples / peak if peak else samples
