"""Multi-head self-attention with one fused projection."""

import keras
from keras import ops

from keras_reparam.models._validation import divisible, positive_int, rate

# Added to the scores of invalid frames. Finite, so that a clip without any valid frame gets equal
# weights instead of NaN.
_MASKED = -1e9


@keras.saving.register_keras_serializable(package="keras_reparam")
class MultiHeadSelfAttention(keras.layers.Layer):
    """`concat_h(softmax(Q_h K_h^T / sqrt(d / heads)) V_h) W + b`, over the valid frames.

    One `keras.layers.Dense` gives Q, K and V, in this order; another one is the output
    projection. The softmax is computed in float32 whatever the compute dtype.

    Args:
        units: Width `d` of input and output, a multiple of `num_heads`.
        num_heads: Number of heads.
        dropout: Dropout rate of the attention weights.
        **kwargs: `name`, `dtype`, and what else every Keras layer takes.

    Input shape:
        `(batch, frames, units)`, and a Keras mask `(batch, frames)` or none.

    Output shape:
        The same; the mask is passed on.
    """

    def __init__(self, units: int, *, num_heads: int, dropout: float = 0.0, **kwargs):
        super().__init__(**kwargs)
        self.units = positive_int("units", units)
        self.num_heads = positive_int("num_heads", num_heads)
        self.dropout = rate("dropout", dropout)
        divisible("units", self.units, "num_heads", self.num_heads)
        self.supports_masking = True
        self.qkv = keras.layers.Dense(3 * self.units, dtype=self.dtype_policy, name="qkv")
        self.output_projection = keras.layers.Dense(
            self.units, dtype=self.dtype_policy, name="output_projection"
        )
        self.weights_dropout = keras.layers.Dropout(
            self.dropout, dtype=self.dtype_policy, name="weights_dropout"
        )

    def build(self, input_shape):
        shape = (None, None, self.units)
        self.qkv.build(shape)
        self.output_projection.build(shape)

    def call(self, x, mask=None, training=None):
        frames = ops.shape(x)[1]
        query, key, value = ops.split(self.qkv(x), 3, axis=-1)
        head_width = self.units // self.num_heads
        split = (-1, frames, self.num_heads, head_width)
        query = ops.transpose(ops.reshape(query * head_width**-0.5, split), (0, 2, 1, 3))
        key = ops.transpose(ops.reshape(key, split), (0, 2, 3, 1))
        value = ops.transpose(ops.reshape(value, split), (0, 2, 1, 3))
        scores = ops.cast(ops.matmul(query, key), "float32")
        if mask is not None:
            invalid = 1.0 - ops.cast(mask, "float32")
            scores = scores + invalid[:, None, None, :] * _MASKED
        # Over a single frame it is 1, and Keras warns of it.
        weights = ops.softmax(scores, axis=-1) if scores.shape[-1] != 1 else ops.ones_like(scores)
        weights = ops.cast(weights, value.dtype)
        weights = self.weights_dropout(weights, training=training)
        x = ops.transpose(ops.matmul(weights, value), (0, 2, 1, 3))
        return self.output_projection(ops.reshape(x, (-1, frames, self.units)))

    def compute_output_shape(self, input_shape):
        return tuple(input_shape)

    def get_config(self):
        config = super().get_config()
        config.update(units=self.units, num_heads=self.num_heads, dropout=self.dropout)
        return config
