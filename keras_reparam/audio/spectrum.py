"""Windows, mel filters and the discrete Fourier transform as constant matrices, in NumPy."""

import math

import numpy as np

WINDOWS = ("hann", "hamming")
MEL_SCALES = ("slaney", "htk")


def window(name: str, length: int) -> np.ndarray:
    """Periodic window: `a - (1 - a) cos(2 pi n / length)`, `a` 0.5 (Hann) or 0.54 (Hamming)."""
    a = {"hann": 0.5, "hamming": 0.54}[name]
    return a - (1 - a) * np.cos(2 * np.pi * np.arange(length) / length)


def mel_filters(
    *,
    sample_rate: int,
    fft_length: int,
    num_mels: int,
    fmin: float,
    fmax: float,
    mel_scale: str,
) -> np.ndarray:
    """Triangular mel filters with unit area per Hz, as `librosa.filters.mel(norm="slaney")`.

    Args:
        sample_rate: Samples per second.
        fft_length: FFT length in samples.
        num_mels: Number of filters.
        fmin: Lower edge of the first filter in Hz.
        fmax: Upper edge of the last filter in Hz.
        mel_scale: `"slaney"` (linear below 1 kHz, logarithmic above) or `"htk"`.

    Returns:
        float64 array `(fft_length // 2 + 1, num_mels)`.
    """
    to_mel, to_hz = _SCALES[mel_scale]
    edges = to_hz(np.linspace(to_mel(fmin), to_mel(fmax), num_mels + 2))
    bins = np.linspace(0, sample_rate / 2, fft_length // 2 + 1)[:, np.newaxis]
    rising = (bins - edges[:-2]) / (edges[1:-1] - edges[:-2])
    falling = (edges[2:] - bins) / (edges[2:] - edges[1:-1])
    return np.maximum(0, np.minimum(rising, falling)) * 2 / (edges[2:] - edges[:-2])


def halves(filters: np.ndarray) -> list[tuple[int, np.ndarray]]:
    """Filters for low and for high frequencies apart, each without the other's bins.

    Args:
        filters: Array `(bins, num_mels)`, both axes from low to high, as `mel_filters` gives it.

    Returns:
        First bin and filters `(some bins, some mels)` of each part, or of all in one where that
        takes fewer numbers.
    """
    return min(
        (_parts(filters, split) for split in range(filters.shape[1])),
        key=lambda parts: sum(part.size for _, part in parts),
    )


def _parts(filters: np.ndarray, split: int) -> list[tuple[int, np.ndarray]]:
    parts = []
    for part in (filters[:, :split], filters[:, split:]):
        # A filter between two bins holds none; some row must stay.
        rows = np.flatnonzero(part.any(axis=1)) if part.any() else np.array([0])
        if part.shape[1]:
            parts.append((int(rows[0]), part[rows[0] : rows[-1] + 1]))
    return parts


def _hz_to_mel_htk(hz):
    return 2595.0 * np.log10(1.0 + np.asarray(hz) / 700.0)


def _mel_to_hz_htk(mel):
    return 700.0 * (10.0 ** (np.asarray(mel) / 2595.0) - 1.0)


# Slaney's Auditory Toolbox: 3 mel per 200 Hz up to 1 kHz, then 27 mel per factor of 6.4.
_BREAK_HZ = 1000.0
_BREAK_MEL = 15.0
_STEP = math.log(6.4) / 27.0


def _hz_to_mel_slaney(hz):
    hz = np.asarray(hz, "float64")
    logarithmic = _BREAK_MEL + np.log(np.maximum(hz, _BREAK_HZ) / _BREAK_HZ) / _STEP
    return np.where(hz < _BREAK_HZ, hz * 3 / 200, logarithmic)


def _mel_to_hz_slaney(mel):
    mel = np.asarray(mel, "float64")
    return np.where(mel < _BREAK_MEL, mel * 200 / 3, _BREAK_HZ * np.exp(_STEP * (mel - _BREAK_MEL)))


_SCALES = {
    "slaney": (_hz_to_mel_slaney, _mel_to_hz_slaney),
    "htk": (_hz_to_mel_htk, _mel_to_hz_htk),
}


class RealDFT:
    """Discrete Fourier transform of real frames in two matrix products (Cooley and Tukey).

    With `fft_length = P * Q`, `n = Q * n1 + n2` and `k = k1 + P * k2`,

        X[k] = sum_n2 W(n2 * k / fft_length) sum_n1 x[Q * n1 + n2] W(n1 * k1 / P),

    `W(u) = exp(-2 pi i u)`. The inner sum is one product of a frame, seen as a matrix
    `(n1, n2)`, with a constant matrix; the outer one is a product for each `k1`, the twiddle
    factors included. For real frames `k1 <= P / 2` suffices, and the inner sums of `k1 = 0` and
    `k1 = P / 2` are real: these two share a band, as real and imaginary part. Every bin comes
    once but `fft_length / 2`, half the sample rate, which is left out: mel filters end there. On
    a CPU with vector units this takes a third of the time of TFLite's scalar RFFT2D, and the
    constants are small.

    Args:
        frame_length: Frame length in samples.
        fft_length: FFT length, a power of two of at least `frame_length` and at least 4.

    Attributes:
        outer: `Q`.
        rows: Number of values of `n1`: `ceil(frame_length / Q)`.
        bands: `P / 2`.
        first: Array `(2 * bands, rows)`; rows alternate between real and imaginary part.
        second: Array `(bands, 2 * Q, 2 * Q)`, real parts before imaginary ones in both axes.
        frequencies: Array `(bands, Q)`: which bin of `0 ... fft_length / 2 - 1` a result holds.
            Column `j` holds those from `j * bands` to `(j + 1) * bands - 1`.
    """

    def __init__(self, frame_length: int, fft_length: int):
        exponent = fft_length.bit_length() - 1
        p, q = 2 ** ((exponent + 1) // 2), 2 ** (exponent // 2)
        self.outer = q
        self.rows = -(-frame_length // q)
        self.bands = p // 2
        k1 = np.arange(self.bands)[:, np.newaxis]
        inner = np.exp(-2j * np.pi * k1 * np.arange(self.rows) / p)
        self.first = np.stack([inner.real, inner.imag], axis=1).reshape(-1, self.rows)
        # Bins k and fft_length - k are conjugates: in each band from low to high.
        k = k1 + p * np.arange(q)
        k = np.take_along_axis(k, np.argsort(np.minimum(k, fft_length - k)), 1)
        # Band 0: the even multiples of P / 2 come from k1 = 0, the odd ones from k1 = P / 2.
        k[0] = p // 2 * np.arange(q)
        self.frequencies = np.minimum(k, fft_length - k)
        outer = np.exp(-2j * np.pi * np.arange(q)[:, np.newaxis] * k[:, np.newaxis] / fft_length)
        self.second = np.block([[outer.real, outer.imag], [-outer.imag, outer.real]])
        self.first[1] = (-1.0) ** np.arange(self.rows)
        even = np.where(np.arange(q) % 2 == 0, outer[0], 0)
        odd = np.where(np.arange(q) % 2 == 1, outer[0], 0)
        self.second[0] = np.block([[np.real(x), np.imag(x)] for x in (even, odd)])
