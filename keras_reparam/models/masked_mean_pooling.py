"""Mean over the valid frames."""

import keras
from keras import ops

from keras_reparam.models.masked_pooling import MaskedPooling


@keras.saving.register_keras_serializable(package="keras_reparam")
class MaskedMeanPooling(MaskedPooling):
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

    def call(self, x, mask=None):
        values = ops.cast(x, "float32")
        if mask is None:
            return ops.cast(ops.mean(values, axis=1), x.dtype)
        valid = ops.cast(mask, "float32")[:, :, None]
        count = ops.maximum(ops.sum(valid, axis=1), 1.0)
        return ops.cast(ops.sum(values * valid, axis=1) / count, x.dtype)
