"""What the layers that augment waveforms share."""

import keras
from keras import ops

from keras_reparam.audio.float32_layer import Float32Layer
from keras_reparam.audio.masking import as_batch


class WaveformAugmentation(Float32Layer):
    """Changes waveforms at random, each clip by its own draw, in training alone.

    A subclass defines `augment(waveform)` for a float32 tensor `(batch, samples)` and draws with
    `self.uniform` and `self.seed_generator`. It keeps the length, and the zeros after a clip
    zero, so that the mask which `keras_reparam.audio.LogMel` computes from the result is that of
    the augmented clip.

    Args:
        seed: Integer for a reproducible sequence of draws. `None`: another one in every run.
        **kwargs: `name`, and what else every Keras layer takes. `dtype` must be float32.
    """

    def __init__(self, *, seed: int | None = None, **kwargs):
        super().__init__(**kwargs)
        self.seed = seed
        self.seed_generator = keras.random.SeedGenerator(seed)

    def call(self, waveform, training=False):
        batch = as_batch(waveform)
        if training:
            batch = self.augment(batch)
        return batch if len(waveform.shape) == 2 else batch[0]

    def augment(self, waveform):
        """The augmented waveforms, `(batch, samples)` as the given ones."""
        raise NotImplementedError

    def uniform(self, waveform, lowest: float = 0.0, highest: float = 1.0):
        """A random number for each clip: `(batch, 1)`."""
        shape = (ops.shape(waveform)[0], 1)
        return keras.random.uniform(
            shape, lowest, highest, dtype="float32", seed=self.seed_generator
        )

    def compute_output_shape(self, input_shape):
        return tuple(input_shape)

    def get_config(self):
        return {**super().get_config(), "seed": self.seed}


def sample_index(waveform):
    """`0 ... samples - 1`, int32, of a tensor `(batch, samples)`."""
    return ops.arange(ops.shape(waveform)[1], dtype="int32")


def extent(waveform):
    """Where the clips lie between the zeros before and after them.

    Args:
        waveform: Tensor `(batch, samples)`.

    Returns:
        Pair of int32 tensors `(batch, 1)`: the index of the first nonzero sample, and that of the
        last one plus 1. A clip of zeros alone lies between `samples` and 0: nowhere.
    """
    index, sounds = sample_index(waveform), ops.not_equal(waveform, 0.0)
    samples = ops.shape(waveform)[1]
    start = ops.min(ops.where(sounds, index, samples), axis=1, keepdims=True)
    stop = ops.max(ops.where(sounds, index + 1, 0), axis=1, keepdims=True)
    return start, stop


def within(waveform, start, stop):
    """`waveform` from `start` to before `stop`, int32 tensors `(batch, 1)`; zero elsewhere."""
    index = sample_index(waveform)
    return ops.where(ops.logical_and(index >= start, index < stop), waveform, 0.0)
