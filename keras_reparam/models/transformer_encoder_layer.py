"""One encoder layer of a Transformer."""

import keras

from keras_reparam.models._validation import positive_int, rate
from keras_reparam.models.dropout import Dropout
from keras_reparam.models.multi_head_self_attention import MultiHeadSelfAttention
from keras_reparam.models.windowed_self_attention import WindowedSelfAttention


@keras.saving.register_keras_serializable(package="keras_reparam")
class TransformerEncoderLayer(keras.layers.Layer):
    """Self-attention and a feed-forward network, each with residual and LayerNorm.

    Post-norm: `x = LN(x + drop(MSA(x)))`, `x = LN(x + drop(fc2(drop(relu(fc1 x)))))`.
    Pre-norm (`norm_first`): `x = x + drop(MSA(LN(x)))`, and likewise for the second half.

    Args:
        units: Width of input and output.
        num_heads: Number of attention heads.
        key_dim: Width of a head. `None`: `units / num_heads`, which must be whole.
        feed_forward_units: Width between `fc1` and `fc2`.
        dropout: Rate of all dropouts: residual, attention weights, and after the ReLU.
        norm_first: Whether LayerNorm stands before attention and feed-forward network.
        window: Number of frames, an odd one, that a frame attends to. `None`: all of them.
        block_length: Frames of the blocks of time within which a frame attends, in place of
            `window`. `None`: all frames are one block.
        **kwargs: `name`, `dtype`, and what else every Keras layer takes.

    Input shape:
        `(batch, frames, units)`, a Keras mask `(batch, frames)` or none, and, as the argument
        `positions`, what is added to the input of the attention alone, `(frames, units)` or none.

    Output shape:
        The same; the mask is passed on.

    Example:

    >>> import numpy as np
    >>> from keras_reparam.models.transformer_encoder_layer import TransformerEncoderLayer
    >>> layer = TransformerEncoderLayer(8, num_heads=2, feed_forward_units=16)
    >>> tuple(layer(np.zeros((1, 5, 8), "float32")).shape)
    (1, 5, 8)
    """

    def __init__(
        self,
        units: int,
        *,
        num_heads: int,
        key_dim: int | None = None,
        feed_forward_units: int,
        dropout: float = 0.1,
        norm_first: bool = False,
        window: int | None = None,
        block_length: int | None = None,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.units = positive_int("units", units)
        self.num_heads = positive_int("num_heads", num_heads)
        self.feed_forward_units = positive_int("feed_forward_units", feed_forward_units)
        self.dropout = rate("dropout", dropout)
        self.norm_first = bool(norm_first)
        self.window = window
        self.block_length = block_length
        if window is not None and block_length is not None:
            raise ValueError(
                "Give `window` or `block_length`, not both. "
                f"Received: window={window!r}, block_length={block_length!r}"
            )
        self.supports_masking = True
        dtype = self.dtype_policy
        options = {
            "num_heads": self.num_heads,
            "key_dim": key_dim,
            "dropout": self.dropout,
            "dtype": dtype,
        }
        self.attention = (
            MultiHeadSelfAttention(
                self.units, block_length=block_length, **options, name="attention"
            )
            if window is None
            else WindowedSelfAttention(self.units, window=window, **options, name="attention")
        )
        self.key_dim = self.attention.key_dim
        self.fc1 = keras.layers.Dense(
            self.feed_forward_units, activation="relu", dtype=dtype, name="fc1"
        )
        self.fc2 = keras.layers.Dense(self.units, dtype=dtype, name="fc2")
        self.attention_norm = keras.layers.LayerNormalization(
            epsilon=1e-5, dtype=dtype, name="attention_norm"
        )
        self.feed_forward_norm = keras.layers.LayerNormalization(
            epsilon=1e-5, dtype=dtype, name="feed_forward_norm"
        )
        self.attention_dropout = Dropout(self.dropout, dtype=dtype)
        self.hidden_dropout = Dropout(self.dropout, dtype=dtype)
        self.feed_forward_dropout = Dropout(self.dropout, dtype=dtype)

    def take_over_widths(self):
        """Makes the config that of the parts, some of which have become narrower."""
        self.feed_forward_units = self.fc1.units
        self.num_heads = self.attention.num_heads

    def build(self, input_shape):
        if input_shape[-1] != self.units:
            raise ValueError(
                f"TransformerEncoderLayer expects the width {self.units} of its `units`. "
                f"Received: input_shape={tuple(input_shape)}"
            )
        shape = (None, None, self.units)
        self.attention.build(shape)
        self.attention_norm.build(shape)
        self.fc1.build(shape)
        self.fc2.build((None, None, self.feed_forward_units))
        self.feed_forward_norm.build(shape)

    def call(self, x, mask=None, training=None, positions=None):
        if self.norm_first:
            x = x + self._attend(self.attention_norm(x), positions, mask, training)
            return x + self._feed_forward(self.feed_forward_norm(x), training)
        x = self.attention_norm(x + self._attend(x, positions, mask, training))
        return self.feed_forward_norm(x + self._feed_forward(x, training))

    def _attend(self, x, positions, mask, training):
        # Positions belong to what attention sees, not to the residual.
        x = x if positions is None else x + positions
        x = self.attention(x, mask=mask, training=training)
        return self.attention_dropout(x, training=training)

    def _feed_forward(self, x, training):
        x = self.hidden_dropout(self.fc1(x), training=training)
        return self.feed_forward_dropout(self.fc2(x), training=training)

    def compute_output_shape(self, input_shape):
        return tuple(input_shape)

    def get_config(self):
        config = super().get_config()
        config.update(
            units=self.units,
            num_heads=self.num_heads,
            key_dim=self.key_dim,
            feed_forward_units=self.feed_forward_units,
            dropout=self.dropout,
            norm_first=self.norm_first,
            window=self.window,
            block_length=self.block_length,
        )
        return config
