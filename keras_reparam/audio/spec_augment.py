"""SpecAugment as a Keras layer."""

import keras
from keras import ops

from keras_reparam._utils.validation import fraction, non_negative_int


@keras.saving.register_keras_serializable(package="keras_reparam")
class SpecAugment(keras.layers.Layer):
    """Sets random stretches of time and of frequency to zero, in training alone.

    For every clip and every time mask, a width `w` is drawn from `0 ... time_width` and a start
    from `0 ... valid - w`, and the frames `start ... start + w - 1`, counted among the clip's
    valid frames, become zero: the mean, if the features are normalised. Frequency masks do the
    same with mel bands. Time warping, which the paper found to matter least, is left out.

    Invalid frames are left as they are, and the Keras mask is passed on unchanged: a masked
    stretch is still part of the clip.

    Args:
        time_masks: Number of time masks per clip.
        time_width: Largest width of a time mask in frames.
        time_fraction: Largest width of a time mask as a fraction of the clip's valid frames
            (`p` in the paper), so that short clips keep most of their frames.
        frequency_masks: Number of frequency masks per clip.
        frequency_width: Largest width of a frequency mask in mel bands.
        seed: Integer for reproducible masks. `None`: another sequence in every run.
        **kwargs: `name`, `dtype`, and what else every Keras layer takes.

    Call arguments:
        features: `(batch, frames, mels)`.
        training: Whether to mask anything.
        mask: Boolean `(batch, frames)`: the valid frames. `None`: all of them.

    Raises:
        ValueError: If an argument is not as described here.

    Example:

    >>> import numpy as np
    >>> import keras_reparam as kr
    >>> augment = kr.audio.SpecAugment(time_masks=1, frequency_masks=0, seed=1)
    >>> features = np.ones((4, 100, 64), "float32")
    >>> bool((np.array(augment(features)) == 1).all())
    True
    >>> bool((np.array(augment(features, training=True)) == 1).all())
    False

    Reference:
        Park et al., SpecAugment, Interspeech 2019, section 2.
    """

    def __init__(
        self,
        *,
        time_masks: int = 2,
        time_width: int = 40,
        time_fraction: float = 0.2,
        frequency_masks: int = 2,
        frequency_width: int = 12,
        seed: int | None = None,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.time_masks = non_negative_int("time_masks", time_masks)
        self.time_width = non_negative_int("time_width", time_width)
        self.frequency_masks = non_negative_int("frequency_masks", frequency_masks)
        self.frequency_width = non_negative_int("frequency_width", frequency_width)
        self.time_fraction = fraction("time_fraction", time_fraction)
        self.seed = seed
        self.seed_generator = keras.random.SeedGenerator(seed)
        self.supports_masking = True

    def build(self, input_shape):
        if len(input_shape) != 3:
            raise ValueError(
                "SpecAugment expects features (batch, frames, mels). "
                f"Received: input_shape={tuple(input_shape)}"
            )
        if input_shape[2] is not None and self.frequency_width > input_shape[2]:
            raise ValueError(
                "`frequency_width` must be at most the number of mel bands. "
                f"Received: frequency_width={self.frequency_width}, "
                f"input_shape={tuple(input_shape)}"
            )

    def call(self, features, training=False, mask=None):
        if not training:
            return features
        batch, frames, mels = ops.shape(features)
        if mask is None:
            valid = ops.ones((batch, frames), dtype="float32")
        else:
            valid = ops.cast(mask, "float32")
        # A frame's place among the valid ones; what is invalid lies before the first place.
        place = ops.where(valid > 0, ops.cumsum(valid, axis=1) - 1, -1.0)
        lengths = ops.sum(valid, axis=1)
        widest = ops.minimum(float(self.time_width), self.time_fraction * lengths)
        time = self._covered(place, self.time_masks, widest, lengths)
        band = ops.zeros((batch, 1)) + ops.arange(mels, dtype="float32")
        widest = ops.full((batch,), float(self.frequency_width))
        frequency = self._covered(
            band, self.frequency_masks, widest, ops.full((batch,), ops.cast(mels, "float32"))
        )
        frequency = ops.logical_and(ops.expand_dims(frequency, 1), valid[:, :, None] > 0)
        covered = ops.logical_or(ops.expand_dims(time, 2), frequency)
        return ops.where(covered, ops.zeros_like(features), features)

    def _covered(self, place, masks: int, widest, lengths):
        """Boolean `(batch, places)`: which places at least one of the random masks covers."""
        shape = (ops.shape(place)[0], masks)
        width = ops.floor(self._uniform(shape) * (ops.floor(widest)[:, None] + 1))
        start = ops.floor(self._uniform(shape) * (lengths[:, None] - width + 1))
        place, start, width = place[:, None, :], start[:, :, None], width[:, :, None]
        return ops.any(ops.logical_and(place >= start, place < start + width), axis=1)

    def _uniform(self, shape):
        return keras.random.uniform(shape, dtype="float32", seed=self.seed_generator)

    def compute_output_shape(self, input_shape):
        return tuple(input_shape)

    def get_config(self):
        config = super().get_config()
        config.update(
            time_masks=self.time_masks,
            time_width=self.time_width,
            time_fraction=self.time_fraction,
            frequency_masks=self.frequency_masks,
            frequency_width=self.frequency_width,
            seed=self.seed,
        )
        return config
