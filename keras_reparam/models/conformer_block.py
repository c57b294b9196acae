"""One block of the Conformer."""

import keras

from keras_reparam.models._validation import as_given, positive_int, rate, repeated, unified
from keras_reparam.models.conformer_convolution import ConformerConvolution
from keras_reparam.models.dropout import Dropout
from keras_reparam.models.relative_self_attention import RelativeSelfAttention


@keras.saving.register_keras_serializable(package="keras_reparam")
class ConformerBlock(keras.layers.Layer):
    """Half a feed-forward network, attention, convolution, the other half, LayerNorm.

    `x = x + FFN1(x) / 2`, `x = x + MSA(x)`, `x = x + Conv(x)`, `x = LN(x + FFN2(x) / 2)`, each
    part with a LayerNorm before and dropout after; feed-forward networks with Swish.

    Args:
        units: Width of input and output.
        num_heads: Number of attention heads.
        key_dim: Width of a head. `None`: `units / num_heads`, which must be whole.
        feed_forward_units: Width between the linear layers of a feed-forward network; a pair if
            the two have not the same.
        kernel_size: Frames of the depthwise convolution's kernel; odd.
        dropout: Rate of all dropouts.
        block_length: Frames of the blocks of time within which a frame attends; the convolution
            goes beyond them. `None`: all frames are one block.
        **kwargs: `name`, `dtype`, and what else every Keras layer takes.

    Input shape:
        `(batch, frames, units)`, and a Keras mask `(batch, frames)` or none.

    Output shape:
        The same; the mask is passed on.

    Reference:
        Gulati et al., Conformer, Interspeech 2020, section 2.
    """

    def __init__(
        self,
        units: int,
        *,
        num_heads: int,
        key_dim: int | None = None,
        feed_forward_units: int | tuple[int, int],
        kernel_size: int = 31,
        dropout: float = 0.1,
        block_length: int | None = None,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.units = positive_int("units", units)
        self.num_heads = positive_int("num_heads", num_heads)
        self.feed_forward_units = as_given("feed_forward_units", feed_forward_units, 2)
        self.dropout = rate("dropout", dropout)
        self.block_length = block_length
        self.supports_masking = True
        dtype = self.dtype_policy
        self.fc1 = [
            keras.layers.Dense(
                units_between,
                activation="silu",
                dtype=dtype,
                name=f"feed_forward_{i + 1}_fc1",
            )
            for i, units_between in enumerate(repeated(self.feed_forward_units, 2))
        ]
        self.fc2 = [
            keras.layers.Dense(self.units, dtype=dtype, name=f"feed_forward_{i + 1}_fc2")
            for i in range(2)
        ]
        self.attention = RelativeSelfAttention(
            self.units,
            num_heads=self.num_heads,
            key_dim=key_dim,
            dropout=self.dropout,
            block_length=block_length,
            dtype=dtype,
            name="attention",
        )
        self.key_dim = self.attention.key_dim
        self.convolution = ConformerConvolution(
            self.units, kernel_size=kernel_size, dtype=dtype, name="convolution"
        )
        self.kernel_size = self.convolution.kernel_size
        self.norms = [
            keras.layers.LayerNormalization(epsilon=1e-5, dtype=dtype, name=f"{part}_norm")
            for part in ("feed_forward_1", "attention", "convolution", "feed_forward_2", "final")
        ]
        self.dropouts = [Dropout(self.dropout, dtype=dtype) for _ in range(6)]

    def take_over_widths(self):
        """Makes the config that of the parts, some of which have become narrower."""
        self.feed_forward_units = unified([layer.units for layer in self.fc1])
        self.num_heads = self.attention.num_heads

    def build(self, input_shape):
        shape = (None, None, self.units)
        for layer in (*self.fc1, self.attention, self.convolution, *self.norms):
            layer.build(shape)
        for first, second in zip(self.fc1, self.fc2, strict=True):
            second.build((None, None, first.units))

    def call(self, x, mask=None, training=None):
        x = x + 0.5 * self._feed_forward(0, self.norms[0](x), training)
        attended = self.attention(self.norms[1](x), mask=mask, training=training)
        x = x + self.dropouts[4](attended, training=training)
        convolved = self.convolution(self.norms[2](x), mask=mask, training=training)
        x = x + self.dropouts[5](convolved, training=training)
        return self.norms[4](x + 0.5 * self._feed_forward(1, self.norms[3](x), training))

    def _feed_forward(self, i: int, x, training):
        x = self.dropouts[2 * i](self.fc1[i](x), training=training)
        return self.dropouts[2 * i + 1](self.fc2[i](x), training=training)

    def compute_output_shape(self, input_shape):
        return tuple(input_shape)

    def get_config(self):
        config = super().get_config()
        names = ("units", "num_heads", "key_dim", "feed_forward_units", "kernel_size", "dropout")
        for name in (*names, "block_length"):
            config[name] = getattr(self, name)
        return config
