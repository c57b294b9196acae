"""Multi-head self-attention with relative positions."""

import keras
import numpy as np
from keras import ops

from keras_reparam.models.multi_head_self_attention import MultiHeadSelfAttention, attention_bias


@keras.saving.register_keras_serializable(package="keras_reparam")
class RelativeSelfAttention(MultiHeadSelfAttention):
    """Self-attention whose scores depend on content and on the distance of query and key.

    As Transformer-XL, in both directions: with the sinusoidal embedding `r[n]` of distance `n`,
    score `(t, s)` of a head is

    `((q[t] + u) . k[s] + (q[t] + v) . W r[t - s]) / sqrt(key_dim)`

    `u`, `v` and `W` are trained. Shifting the product with all distances into place takes padding
    and reshape alone. The softmax is computed in float32 whatever the compute dtype.

    Args:
        units: Width of input and output, even.
        num_heads: Number of heads.
        dropout: Dropout rate of the attention weights.
        **kwargs: `key_dim` and `block_length` of `MultiHeadSelfAttention`; `name`, `dtype`, and
            what else every Keras layer takes.

    Input shape:
        `(batch, frames, units)`, and a Keras mask `(batch, frames)` or none.

    Output shape:
        The same; the mask is passed on.

    Reference:
        Dai et al., Transformer-XL, ACL 2019, section 3.3; Gulati et al., Conformer, 2020.
    """

    def __init__(self, units: int, *, num_heads: int, dropout: float = 0.0, **kwargs):
        super().__init__(units, num_heads=num_heads, dropout=dropout, **kwargs)
        if self.units % 2:
            raise ValueError(
                f"`units` must be even, for sines and cosines. Received: units={units}"
            )
        self.position_projection = keras.layers.Dense(
            self._width, use_bias=False, dtype=self.dtype_policy, name="position_projection"
        )

    def weights_of_heads(self):
        *fan_in, fan_out = super().weights_of_heads()
        return (
            *fan_in,
            (self.position_projection, "kernel", -1, self.key_dim),
            (self, "content_bias", 0, 1),
            (self, "position_bias", 0, 1),
            fan_out,
        )

    def build(self, input_shape):
        super().build(input_shape)
        self.position_projection.build((None, None, self.units))
        shape = (self.num_heads, 1, self.key_dim)
        self.content_bias = self.add_weight(
            shape=shape, initializer="glorot_uniform", name="content_bias"
        )
        self.position_bias = self.add_weight(
            shape=shape, initializer="glorot_uniform", name="position_bias"
        )

    def _attend(self, query, key, value, mask, training):
        frames = ops.shape(query)[1]
        query, key, value = (self._split_heads(x, frames) for x in (query, key, value))
        # The query is scaled already.
        scale = self.key_dim**-0.5
        by_content = query + ops.cast(self.content_bias * scale, query.dtype)
        by_position = query + ops.cast(self.position_bias * scale, query.dtype)
        distances = ops.cast(_distances(frames, self.units), query.dtype)
        distances = self._split_heads(self.position_projection(distances), 2 * frames - 1)
        scores = ops.matmul(by_content, ops.transpose(key, (0, 1, 3, 2)))
        positional = ops.matmul(by_position, ops.transpose(distances, (0, 1, 3, 2)))
        scores = scores + _shifted(positional, frames)
        bias = None if mask is None else attention_bias(mask)[:, None, None, :]
        weights = self._weights(scores, bias, training)
        return self._join_heads(ops.matmul(weights, value), frames)


def _distances(frames, units: int):
    """`(1, 2 frames - 1, units)`: embeddings of the distances `frames - 1 ... 1 - frames`."""
    rates = (10000.0 ** (-2 * np.arange(units // 2) / units)).astype("float32")
    distance = ops.arange(2 * frames - 1, dtype="float32")
    distance = ops.cast(frames - 1, "float32") - distance
    angles = distance[:, None] * rates
    pairs = ops.stack([ops.sin(angles), ops.cos(angles)], axis=-1)
    return ops.reshape(pairs, (1, 2 * frames - 1, units))


def _shifted(scores, frames):
    """Column `s` of row `t` becomes the one of distance `t - s`.

    In row `t` that is column `frames - 1 - t + s`: each row starts one column before the last.
    A column of zeros in front and rows one shorter than that move them there.
    """
    heads = scores.shape[1]
    scores = ops.pad(scores, ((0, 0), (0, 0), (0, 0), (1, 0)))
    scores = ops.reshape(scores, (-1, heads, 2 * frames, frames))[:, :, 1:]
    return ops.reshape(scores, (-1, heads, frames, 2 * frames - 1))[:, :, :, :frames]
