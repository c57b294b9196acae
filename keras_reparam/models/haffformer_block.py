"""One block of HAFFormer."""

import keras
from keras import ops

from keras_reparam.models._validation import odd, positive_int, positive_ints, rate
from keras_reparam.models.dropout import Dropout


@keras.saving.register_keras_serializable(package="keras_reparam")
class HAFFormerBlock(keras.layers.Layer):
    """Depthwise convolutions of several lengths mix frames, a GEGLU mixes channels: no attention.

    `x = x + drop(W sum_k gelu(DW_k(LN(x))))`, one depthwise convolution over time for each kernel
    size `k`; then `x = x + drop(fc2(drop(gelu(gate(y)) * value(y))))` with `y = LN(x)`. Its cost
    grows linearly with the number of frames.

    Invalid frames are zero before the convolutions, as the frames beyond either end are.

    Args:
        units: Width of input and output.
        feed_forward_units: Width of `gate` and `value`.
        kernel_sizes: Frames of the depthwise kernels; odd.
        dropout: Rate of all dropouts.
        **kwargs: `name`, `dtype`, and what else every Keras layer takes.

    Input shape:
        `(batch, frames, units)`, and a Keras mask `(batch, frames)` or none.

    Output shape:
        The same; the mask is passed on.

    Reference:
        Dong et al., HAFFormer, ICASSP 2024, arXiv 2405.03952; Shazeer, GLU Variants Improve
        Transformer, 2020 (GEGLU).
    """

    def __init__(
        self,
        units: int,
        *,
        feed_forward_units: int,
        kernel_sizes: tuple[int, ...] = (3, 7, 15),
        dropout: float = 0.1,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.units = positive_int("units", units)
        self.feed_forward_units = positive_int("feed_forward_units", feed_forward_units)
        self.kernel_sizes = positive_ints("kernel_sizes", kernel_sizes)
        for size in self.kernel_sizes:
            odd("kernel_sizes", size)
        self.dropout = rate("dropout", dropout)
        self.supports_masking = True
        dtype = self.dtype_policy
        # In two dimensions, of which one is 1: one reshape for all. With an odd kernel and
        # stride 1, "same" is centred.
        self.convolutions = [
            keras.layers.DepthwiseConv2D(
                (size, 1), padding="same", dtype=dtype, name=f"convolution_{size}"
            )
            for size in self.kernel_sizes
        ]
        self.projection = keras.layers.Dense(self.units, dtype=dtype, name="projection")
        self.gate = keras.layers.Dense(
            self.feed_forward_units, activation="gelu", dtype=dtype, name="gate"
        )
        self.value = keras.layers.Dense(self.feed_forward_units, dtype=dtype, name="value")
        self.fc2 = keras.layers.Dense(self.units, dtype=dtype, name="fc2")
        self.convolution_norm, self.feed_forward_norm = (
            keras.layers.LayerNormalization(epsilon=1e-5, dtype=dtype, name=f"{part}_norm")
            for part in ("convolution", "feed_forward")
        )
        self.dropouts = [Dropout(self.dropout, dtype=dtype) for _ in range(3)]

    def build(self, input_shape):
        shape = (None, None, self.units)
        for convolution in self.convolutions:
            convolution.build((None, None, 1, self.units))
        for layer in (
            self.projection,
            self.gate,
            self.value,
            self.convolution_norm,
            self.feed_forward_norm,
        ):
            layer.build(shape)
        self.fc2.build((None, None, self.feed_forward_units))

    def call(self, x, mask=None, training=None):
        x = x + self.dropouts[0](self._mix_frames(x, mask), training=training)
        y = self.feed_forward_norm(x)
        y = self.dropouts[1](self.gate(y) * self.value(y), training=training)
        return x + self.dropouts[2](self.fc2(y), training=training)

    def _mix_frames(self, x, mask):
        x = self.convolution_norm(x)
        if mask is not None:
            x = x * ops.cast(mask, x.dtype)[:, :, None]
        x = ops.expand_dims(x, 2)
        scales = [ops.gelu(convolution(x), approximate=False) for convolution in self.convolutions]
        return self.projection(ops.squeeze(sum(scales[1:], scales[0]), 2))

    def compute_output_shape(self, input_shape):
        return tuple(input_shape)

    def get_config(self):
        config = super().get_config()
        for name in ("units", "feed_forward_units", "kernel_sizes", "dropout"):
            config[name] = getattr(self, name)
        return config
