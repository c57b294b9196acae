"""Random shifts in time as a Keras layer."""

import keras
from keras import ops

from keras_reparam._utils.validation import non_negative_int
from keras_reparam.audio.waveform_augmentation import WaveformAugmentation, sample_index


@keras.saving.register_keras_serializable(package="keras_reparam")
class RandomTimeShift(WaveformAugmentation):
    """`waveform[n - shift]`, with a random shift for each clip, in training alone.

    The shift is uniform over `-max_shift ... max_shift`; a positive one is a delay. What is
    shifted in is zero, what is shifted out is lost.

    Args:
        max_shift: Largest shift in samples, less than a clip has.
        seed: Integer for reproducible shifts. `None`: another sequence in every run.
        **kwargs: `name`, and what else every Keras layer takes. `dtype` must be float32.

    Call arguments:
        waveform: Floating-point samples `(batch, samples)` or `(samples,)`.
        training: Whether to change anything.

    Raises:
        ValueError: If an argument is not as described here.

    Example:

    >>> import numpy as np
    >>> import keras_reparam as kr
    >>> augment = kr.audio.RandomTimeShift(max_shift=1, seed=1)
    >>> waveform = np.tile(np.array([1.0, 2.0, 3.0, 0.0], "float32"), (100, 1))
    >>> np.unique(np.array(augment(waveform, training=True)), axis=0).tolist()
    [[0.0, 1.0, 2.0, 3.0], [1.0, 2.0, 3.0, 0.0], [2.0, 3.0, 0.0, 0.0]]
    """

    def __init__(self, *, max_shift: int = 1600, seed: int | None = None, **kwargs):
        super().__init__(seed=seed, **kwargs)
        self.max_shift = non_negative_int("max_shift", max_shift)

    def build(self, input_shape):
        samples = input_shape[-1]
        if samples is not None and self.max_shift >= samples:
            raise ValueError(
                "`max_shift` must be less than the number of samples. "
                f"Received: max_shift={self.max_shift}, input_shape={tuple(input_shape)}"
            )

    def augment(self, waveform):
        batch, samples = ops.shape(waveform)
        shift = keras.random.randint(
            (batch, 1), -self.max_shift, self.max_shift + 1, "int32", seed=self.seed_generator
        )
        source = sample_index(waveform) - shift
        inside = ops.logical_and(source >= 0, source < samples)
        # All clips in one row: one gather by one index.
        row = ops.expand_dims(ops.arange(batch, dtype="int32"), 1) * samples
        source = ops.clip(source, 0, samples - 1) + row
        return ops.where(inside, ops.take(ops.reshape(waveform, (-1,)), source), 0.0)

    def get_config(self):
        return {**super().get_config(), "max_shift": self.max_shift}
