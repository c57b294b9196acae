"""Random gain as a Keras layer."""

import math

import keras
from keras import ops

from keras_reparam._utils.validation import interval
from keras_reparam.audio.waveform_augmentation import WaveformAugmentation


@keras.saving.register_keras_serializable(package="keras_reparam")
class RandomGain(WaveformAugmentation):
    """`10 ** (gain_db / 20) * waveform`, with a random gain for each clip, in training alone.

    The gain in decibels is uniform. Samples may leave [-1, 1]; nothing is clipped.

    Args:
        gain_db: Lowest and highest gain in decibels.
        seed: Integer for reproducible gains. `None`: another sequence in every run.
        **kwargs: `name`, and what else every Keras layer takes. `dtype` must be float32.

    Call arguments:
        waveform: Floating-point samples `(batch, samples)` or `(samples,)`.
        training: Whether to change anything.

    Raises:
        ValueError: If an argument is not as described here.

    Example:

    >>> import numpy as np
    >>> import keras_reparam as kr
    >>> augment = kr.audio.RandomGain(gain_db=(-6.0, 6.0), seed=1)
    >>> waveform = np.full((2, 100), 0.1, "float32")
    >>> loud = np.array(augment(waveform, training=True))
    >>> bool((abs(20 * np.log10(loud / waveform)) < 6.001).all())
    True
    """

    def __init__(
        self, *, gain_db: tuple[float, float] = (-6.0, 6.0), seed: int | None = None, **kwargs
    ):
        super().__init__(seed=seed, **kwargs)
        self.gain_db = interval("gain_db", gain_db)

    def augment(self, waveform):
        gain = self.uniform(waveform, *self.gain_db)
        return ops.exp(gain * (math.log(10) / 20)) * waveform

    def get_config(self):
        return {**super().get_config(), "gain_db": self.gain_db}
