"""Mean and standard deviation over the valid frames."""

import keras
from keras import ops

from keras_reparam.models.masked_pooling import MaskedPooling

# Of a variance: where frames do not differ, the square root has a finite slope.
_EPSILON = 1e-5


@keras.saving.register_keras_serializable(package="keras_reparam")
class MaskedStatisticsPooling(MaskedPooling):
    """Mean and standard deviation over the valid frames, side by side.

    `mean = sum_t m[t] x[t] / n` and `std = sqrt(sum_t m[t] (x[t] - mean)^2 / n + 1e-5)`, with
    `n = max(1, sum_t m[t])`. Where no frame is valid the mean is 0 and the deviation that of frames
    which do not differ. The sums are computed in float32 whatever the compute dtype.

    Args:
        **kwargs: `name`, `dtype`, and what else every Keras layer takes.

    Input shape:
        `(batch, frames, units)`, and a Keras mask `(batch, frames)` or none.

    Output shape:
        `(batch, 2 * units)`, without a mask.

    Reference:
        Snyder et al., x-vectors, ICASSP 2018: statistics pooling.
    """

    statistics = 2

    def call(self, x, mask=None):
        values = ops.cast(x, "float32")
        valid = ops.ones_like(values[..., :1])
        if mask is not None:
            valid = ops.cast(mask, "float32")[:, :, None]
        count = ops.maximum(ops.sum(valid, axis=1, keepdims=True), 1.0)
        mean = ops.sum(values * valid, axis=1, keepdims=True) / count
        # Not the mean of squares less the square of the mean, which would cancel.
        variance = ops.sum(ops.square(values - mean) * valid, axis=1, keepdims=True) / count
        both = ops.concatenate([mean, ops.sqrt(variance + _EPSILON)], axis=-1)
        return ops.cast(ops.squeeze(both, axis=1), x.dtype)
