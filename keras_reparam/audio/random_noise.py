"""Random noise as a Keras layer."""

import math

import keras
from keras import ops

from keras_reparam._utils.validation import interval
from keras_reparam.audio.waveform_augmentation import WaveformAugmentation, extent, within


@keras.saving.register_keras_serializable(package="keras_reparam")
class RandomNoise(WaveformAugmentation):
    """`waveform + noise` at a random signal-to-noise ratio, in training alone.

    The noise is white and Gaussian, and scaled so that `10 log10(sum(waveform ** 2) /
    sum(noise ** 2))` is the drawn ratio exactly. It fills the clip from its first nonzero sample
    to its last one; zeros before and after stay zero, zeros in between do not. A clip of zeros
    alone stays so. Ratios are uniform in decibels. Samples may leave [-1, 1]; nothing is
    clipped.

    Args:
        snr_db: Lowest and highest signal-to-noise ratio in decibels.
        seed: Integer for reproducible noise. `None`: another sequence in every run.
        **kwargs: `name`, and what else every Keras layer takes. `dtype` must be float32.

    Call arguments:
        waveform: Floating-point samples `(batch, samples)` or `(samples,)`.
        training: Whether to change anything.

    Raises:
        ValueError: If an argument is not as described here.

    Example:

    >>> import numpy as np
    >>> import keras_reparam as kr
    >>> augment = kr.audio.RandomNoise(snr_db=(20.0, 20.0), seed=1)
    >>> waveform = np.sin(np.arange(16000, dtype="float32"))[np.newaxis]
    >>> noise = np.array(augment(waveform, training=True)) - waveform
    >>> round(float(10 * np.log10(np.sum(waveform**2) / np.sum(noise**2))), 2)
    20.0
    """

    def __init__(
        self, *, snr_db: tuple[float, float] = (10.0, 30.0), seed: int | None = None, **kwargs
    ):
        super().__init__(seed=seed, **kwargs)
        self.snr_db = interval("snr_db", snr_db)

    def augment(self, waveform):
        noise = keras.random.normal(ops.shape(waveform), dtype="float32", seed=self.seed_generator)
        noise = within(noise, *extent(waveform))
        snr = self.uniform(waveform, *self.snr_db)
        ratio = _energy(waveform) / _energy(noise)
        return waveform + noise * ops.sqrt(ratio) * ops.exp(snr * (-math.log(10) / 20))

    def get_config(self):
        return {**super().get_config(), "snr_db": self.snr_db}


def _energy(waveform):
    # Never 0, so that a clip of zeros and its noise of zeros have a finite ratio.
    return ops.sum(ops.square(waveform), axis=1, keepdims=True) + 1e-30
