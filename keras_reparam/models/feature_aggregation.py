"""Outputs of several encoder layers as one."""

import keras
from keras import ops

from keras_reparam.models._validation import positive_int


@keras.saving.register_keras_serializable(package="keras_reparam")
class FeatureAggregation(keras.layers.Layer):
    """`W concat(x_1, ..., x_n) + b`: the outputs of `n` layers side by side, through one Dense.

    Args:
        units: Output width.
        **kwargs: `name`, `dtype`, and what else every Keras layer takes.

    Input shape:
        List of `n` tensors `(batch, frames, width)`, of the same frames; of their masks, which
        must be the same, the first is passed on.

    Output shape:
        `(batch, frames, units)`.

    Reference:
        LW-DETR, arXiv 2406.03459, aggregates feature maps of several levels. One linear layer is
        this project's form of it.
    """

    def __init__(self, units: int, **kwargs):
        super().__init__(**kwargs)
        self.units = positive_int("units", units)
        self.supports_masking = True
        self.projection = keras.layers.Dense(self.units, dtype=self.dtype_policy, name="projection")

    def build(self, input_shape):
        self.projection.build((None, None, sum(shape[-1] for shape in input_shape)))

    def call(self, features):
        return self.projection(ops.concatenate(features, axis=-1))

    def compute_mask(self, features, previous_mask=None):
        return None if previous_mask is None else previous_mask[0]

    def compute_output_shape(self, input_shape):
        return (*input_shape[0][:-1], self.units)

    def get_config(self):
        config = super().get_config()
        config.update(units=self.units)
        return config
