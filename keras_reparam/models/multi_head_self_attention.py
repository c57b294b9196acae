"""Multi-head self-attention with one fused projection."""

import keras
from keras import ops

from keras_reparam.models._validation import divisible, positive_int, rate
from keras_reparam.models.dropout import Dropout
from keras_reparam.models.time_blocks import pad_to_blocks

# Added to the scores of invalid frames. Finite, so that a clip without any valid frame gets equal
# weights instead of NaN.
MASKED = -1e9


@keras.saving.register_keras_serializable(package="keras_reparam")
class MultiHeadSelfAttention(keras.layers.Layer):
    """`concat_h(softmax(Q_h K_h^T / sqrt(key_dim)) V_h) W + b`, over the valid frames.

    One `keras.layers.Dense` gives Q, K and V, in this order; another one is the output
    projection. The softmax is computed in float32 whatever the compute dtype.

    With `block_length` time is cut into blocks of so many frames, and a frame attends to those of
    its own block: the same as a block-diagonal mask, in time and memory that grow in proportion
    to the number of frames. The last block may be shorter.

    Args:
        units: Width `d` of input and output.
        num_heads: Number of heads.
        key_dim: Width of a head. `None`: `units / num_heads`, which must be whole.
        dropout: Dropout rate of the attention weights.
        block_length: Frames of a block. `None`: all frames are one block.
        **kwargs: `name`, `dtype`, and what else every Keras layer takes.

    Input shape:
        `(batch, frames, units)`, and a Keras mask `(batch, frames)` or none.

    Output shape:
        The same; the mask is passed on.
    """

    def __init__(
        self,
        units: int,
        *,
        num_heads: int,
        key_dim: int | None = None,
        dropout: float = 0.0,
        block_length: int | None = None,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.units = positive_int("units", units)
        self.num_heads = positive_int("num_heads", num_heads)
        self.dropout = rate("dropout", dropout)
        if key_dim is None:
            divisible("units", self.units, "num_heads", self.num_heads)
            key_dim = self.units // self.num_heads
        self.key_dim = positive_int("key_dim", key_dim)
        self.block_length = (
            None if block_length is None else positive_int("block_length", block_length)
        )
        self.supports_masking = True
        self.qkv = keras.layers.Dense(3 * self._width, dtype=self.dtype_policy, name="qkv")
        self.output_projection = keras.layers.Dense(
            self.units, dtype=self.dtype_policy, name="output_projection"
        )
        self.weights_dropout = Dropout(
            self.dropout, dtype=self.dtype_policy, name="weights_dropout"
        )

    @property
    def _width(self):
        """Of all heads side by side."""
        return self.num_heads * self.key_dim

    def weights_of_heads(self):
        """What goes with a head: layer, name of its weight, axis, and entries a head in a row.

        The first is what leads into the heads, the last what leads out of them. See
        `keras_reparam.prune`.
        """
        return (
            (self.qkv, "kernel", -1, self.key_dim),
            (self.qkv, "bias", 0, self.key_dim),
            (self.output_projection, "kernel", 0, self.key_dim),
        )

    def build(self, input_shape):
        self.qkv.build((None, None, self.units))
        self.output_projection.build((None, None, self._width))

    def call(self, x, mask=None, training=None):
        frames, length = ops.shape(x)[1], self.block_length
        if length is None or (isinstance(frames, int) and frames <= length):
            return self.output_projection(self._attended(x, mask, training))
        if mask is None and not (isinstance(frames, int) and frames % length == 0):
            # What fills up the last block must not be attended to.
            mask = ops.ones_like(x[:, :, 0])
        x, blocks = pad_to_blocks(x, length)
        x = ops.reshape(x, (-1, length, self.units))
        if mask is not None:
            mask, _ = pad_to_blocks(ops.cast(mask, "float32"), length)
            mask = ops.reshape(mask, (-1, length))
        x = self._attended(x, mask, training)
        x = ops.reshape(x, (-1, blocks * length, self._width))[:, :frames]
        return self.output_projection(x)

    def _attended(self, x, mask, training):
        query, key, value = ops.split(self.qkv(x), 3, axis=-1)
        query = query * self.key_dim**-0.5
        return self._attend(query, key, value, mask, training)

    def _attend(self, query, key, value, mask, training):
        """The heads' results side by side, before the output projection."""
        frames = ops.shape(query)[1]
        query, key, value = (self._split_heads(x, frames) for x in (query, key, value))
        bias = None if mask is None else attention_bias(mask)[:, None, None, :]
        weights = self._weights(ops.matmul(query, _transposed(key)), bias, training)
        return self._join_heads(ops.matmul(weights, value), frames)

    def _split_heads(self, x, frames):
        """`(batch, frames, heads * key_dim)` to `(batch, heads, frames, key_dim)`."""
        x = ops.reshape(x, (-1, frames, self.num_heads, self.key_dim))
        return ops.transpose(x, (0, 2, 1, 3))

    def _join_heads(self, x, frames):
        return ops.reshape(ops.transpose(x, (0, 2, 1, 3)), (-1, frames, self._width))

    def _weights(self, scores, bias, training):
        """Softmax of `scores + bias` in float32, after dropout, in the dtype of the scores."""
        dtype = scores.dtype
        scores = ops.cast(scores, "float32")
        if bias is not None:
            scores = scores + bias
        # Over a single frame it is 1, and Keras warns of it.
        weights = ops.softmax(scores, axis=-1) if scores.shape[-1] != 1 else ops.ones_like(scores)
        return self.weights_dropout(ops.cast(weights, dtype), training=training)

    def compute_output_shape(self, input_shape):
        return tuple(input_shape)

    def get_config(self):
        config = super().get_config()
        for name in ("units", "num_heads", "key_dim", "dropout", "block_length"):
            config[name] = getattr(self, name)
        return config


def attention_bias(mask):
    """What is added to scores: 0 for valid frames, `MASKED` for the others, in float32."""
    return (1.0 - ops.cast(mask, "float32")) * MASKED


def _transposed(key):
    return ops.transpose(key, (0, 1, 3, 2))
