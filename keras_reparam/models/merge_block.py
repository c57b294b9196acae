"""Mean over blocks of frames, between the stages of SpeechFormer and HAFFormer."""

import keras
from keras import ops

from keras_reparam.models._validation import positive_int
from keras_reparam.models.time_blocks import num_blocks, pad_to_blocks


@keras.saving.register_keras_serializable(package="keras_reparam")
class MergeBlock(keras.layers.Layer):
    """`LN(W mean(x[k b], ..., x[k b + b - 1]) + c)`: one frame for every `b` frames.

    Zeros follow the last frame up to a whole block, and the mean is over all `b` frames, zeros
    included, as published for SpeechFormer. Invalid frames count as such zeros; a merged frame
    is valid if one of its frames is.

    Args:
        units: Output width.
        scale: Frames `b` of a block.
        **kwargs: `name`, `dtype`, and what else every Keras layer takes.

    Input shape:
        `(batch, frames, width)`, and a Keras mask `(batch, frames)` or none.

    Output shape:
        `(batch, ceil(frames / scale), units)`, and the mask of the same length.

    Reference:
        Chen et al., SpeechFormer, Interspeech 2022, section 2.3.
    """

    def __init__(self, units: int, *, scale: int, **kwargs):
        super().__init__(**kwargs)
        self.units = positive_int("units", units)
        self.scale = positive_int("scale", scale)
        self.supports_masking = True
        self.projection = keras.layers.Dense(self.units, dtype=self.dtype_policy, name="projection")
        self.norm = keras.layers.LayerNormalization(
            epsilon=1e-5, dtype=self.dtype_policy, name="norm"
        )

    def build(self, input_shape):
        self.projection.build((None, None, input_shape[2]))
        self.norm.build((None, None, self.units))

    def call(self, x, mask=None):
        if mask is not None:
            x = x * ops.cast(mask, x.dtype)[:, :, None]
        x, blocks = pad_to_blocks(x, self.scale)
        x = ops.mean(ops.reshape(x, (-1, blocks, self.scale, x.shape[2])), axis=2)
        return self.norm(self.projection(x))

    def compute_mask(self, x, previous_mask=None):
        if previous_mask is None:
            return None
        valid, blocks = pad_to_blocks(ops.cast(previous_mask, "float32"), self.scale)
        return ops.max(ops.reshape(valid, (-1, blocks, self.scale)), axis=2) > 0

    def compute_output_shape(self, input_shape):
        return (input_shape[0], num_blocks(input_shape[1], self.scale), self.units)

    def get_config(self):
        config = super().get_config()
        config.update(units=self.units, scale=self.scale)
        return config
