"""Mean over the valid frames."""

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="keras_reparam")
class MaskedMeanPooling(keras.layers.Layer):
    """`sum_t m[t] x[t] / max(1, sum_t m[t])`: the mean over valid frames.

    Zero where no frame is valid (`keras.layers.GlobalAveragePooling1D` gives NaN there). The
    sums are computed in float32 whatever the compute dtype.

    Args:
        **kwargs: `name`, `dtype`, and what else every Keras layer takes.

    Input shape:
        `(batch, frames, units)`, and a Keras mask `(batch, frames)` or none.

    Output shape:
        `(batch, units)`, without a mask.
    """

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.supports_masking = True

    def build(self, input_shape):
        pass

    def call(self, x, mask=None):
        values = ops.cast(x, "float32")
        if mask is None:
            return ops.cast(ops.mean(values, axis=1), x.dtype)
        valid = ops.cast(mask, "float32")[:, :, None]
        count = ops.maximum(ops.sum(valid, axis=1), 1.0)
        return ops.cast(ops.sum(values * valid, axis=1) / count, x.dtype)

    def compute_mask(self, x, previous_mask=None):
        return None

    def compute_output_shape(self, input_shape):
        return (input_shape[0], input_shape[2])
