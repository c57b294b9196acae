"""The first bands of the features."""

import keras
from keras import ops

from keras_reparam.models._validation import positive_int


@keras.saving.register_keras_serializable(package="keras_reparam")
class FeatureCrop(keras.layers.Layer):
    """`x[:, :, :units]`, with or without the mask of `x`.

    Args:
        units: Number of features to keep.
        pass_mask: Whether the mask is passed on.
        **kwargs: `name`, `dtype`, and what else every Keras layer takes.

    Input shape:
        `(batch, frames, features)` with at least `units` features.

    Output shape:
        `(batch, frames, units)`.
    """

    def __init__(self, units: int, *, pass_mask: bool = True, **kwargs):
        super().__init__(**kwargs)
        self.units = positive_int("units", units)
        self.pass_mask = bool(pass_mask)
        self.supports_masking = True

    def build(self, input_shape):
        pass

    def call(self, x):
        x = x[:, :, : self.units]
        # All of a tensor may be the tensor itself, to which Keras has attached the mask.
        return x if self.pass_mask else ops.copy(x)

    def compute_mask(self, x, previous_mask=None):
        return previous_mask if self.pass_mask else None

    def compute_output_shape(self, input_shape):
        return (*input_shape[:2], self.units)

    def get_config(self):
        config = super().get_config()
        config.update(units=self.units, pass_mask=self.pass_mask)
        return config
