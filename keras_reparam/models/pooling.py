"""What stands between the frames of an encoder and its classifier."""

import keras

from keras_reparam._utils.validation import one_of
from keras_reparam.models.masked_mean_pooling import MaskedMeanPooling
from keras_reparam.models.masked_statistics_pooling import MaskedStatisticsPooling

_POOLINGS = {"mean": MaskedMeanPooling, "mean_std": MaskedStatisticsPooling}


def checked_pooling(pooling: str) -> str:
    """`pooling` if it is one of a backbone's, or a `ValueError`."""
    return one_of("pooling", pooling, tuple(_POOLINGS))


def pooled(x, pooling: str, policy: keras.DTypePolicy):
    """Frames `(batch, frames, units)` as one vector, `(batch, units)` or twice as wide.

    Args:
        x: Symbolic tensor.
        pooling: `"mean"` or `"mean_std"`.
        policy: dtype policy of the layer.
    """
    return _POOLINGS[pooling](dtype=policy, name="pooling")(x)
