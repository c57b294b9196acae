"""Band-limited interpolation as a product of a waveform's frames with constant filters."""

import math
from fractions import Fraction

import numpy as np
from keras import ops

from keras_reparam.audio import framing

# The gain is within 0.001 dB of 1 up to 0.84 of the Nyquist frequency, and below -80 dB beyond it.
_ZERO_CROSSINGS = 32
_KAISER_BETA = 7.9
_ROLLOFF = 0.92


class SpeedFilters:
    """Plays waveforms `factor` times as fast: `y[n]` is the waveform at sample `n * factor`.

        y[n] = sum_k x[k] h(n * factor - k),    h(t) = c sinc(c t) kaiser(t / half_width)

    with the cut-off `c` just below the lower one of both Nyquist frequencies. With
    `factor = p / q`, sample `n + q` of the result lies `p` samples after sample `n`, so the same
    `q` filters give `q` samples from every stretch of `p`: a matrix product with the frames.

    Args:
        factor: Speed.

    Attributes:
        factor: Speed.
        step: Samples of the waveform from one frame to the next.
        margin: Samples of a frame before and after these.
        filters: float32 array `(step + 2 * margin, q)`; `q` samples come of each frame.
    """

    def __init__(self, factor: Fraction):
        self.factor = factor
        bandwidth = float(min(1, 1 / factor))
        half_width = _ZERO_CROSSINGS / bandwidth
        self.margin = math.ceil(half_width)
        # Longer steps waste filter taps on zeros, shorter ones repeat more samples in the frames.
        repeats = math.ceil(2 * self.margin / factor.numerator)
        self.step = repeats * factor.numerator
        positions = np.arange(repeats * factor.denominator) * float(factor)
        taps = np.arange(self.step + 2 * self.margin) - self.margin
        time = positions - taps[:, np.newaxis]
        inside = np.maximum(1 - np.square(time / half_width), 0)
        kaiser = np.i0(_KAISER_BETA * np.sqrt(inside)) / np.i0(_KAISER_BETA)
        cutoff = _ROLLOFF * bandwidth
        low_pass = cutoff * np.sinc(cutoff * time) * np.where(inside > 0, kaiser, 0)
        self.filters = low_pass.astype("float32")

    def __call__(self, waveform):
        """`(batch, at least samples / factor)` from `(batch, samples)`."""
        count = framing.num_frames(ops.shape(waveform)[1], self.step)
        width, phases = self.filters.shape
        padded = ops.pad(waveform, ((0, 0), (self.margin, 0)))
        frames = framing.frame(padded, offset=0, width=width, hop_length=self.step)[:, :count]
        return ops.reshape(ops.matmul(frames, self.filters), (-1, count * phases))
