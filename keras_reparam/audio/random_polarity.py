"""Random polarity as a Keras layer."""

import keras
from keras import ops

from keras_reparam._utils.validation import fraction
from keras_reparam.audio.waveform_augmentation import WaveformAugmentation


@keras.saving.register_keras_serializable(package="keras_reparam")
class RandomPolarity(WaveformAugmentation):
    """`-waveform` for random clips, in training alone.

    Magnitudes of a spectrum do not change, so it makes a difference to models that take
    waveforms, not to those that take log-mel features.

    Args:
        probability: That a clip is inverted.
        seed: Integer for reproducible draws. `None`: another sequence in every run.
        **kwargs: `name`, and what else every Keras layer takes. `dtype` must be float32.

    Call arguments:
        waveform: Floating-point samples `(batch, samples)` or `(samples,)`.
        training: Whether to change anything.

    Raises:
        ValueError: If an argument is not as described here.

    Example:

    >>> import numpy as np
    >>> import keras_reparam as kr
    >>> augment = kr.audio.RandomPolarity(probability=1.0)
    >>> np.array(augment(np.array([[0.5, -0.25]], "float32"), training=True)).tolist()
    [[-0.5, 0.25]]
    """

    def __init__(self, *, probability: float = 0.5, seed: int | None = None, **kwargs):
        super().__init__(seed=seed, **kwargs)
        self.probability = fraction("probability", probability)

    def augment(self, waveform):
        inverted = self.uniform(waveform) < self.probability
        return ops.where(inverted, -waveform, waveform)

    def get_config(self):
        return {**super().get_config(), "probability": self.probability}
