"""The convolution module of the Conformer."""

import keras
from keras import ops

from keras_reparam.models._validation import odd, positive_int


@keras.saving.register_keras_serializable(package="keras_reparam")
class ConformerConvolution(keras.layers.Layer):
    """Pointwise to `2 d`, GLU, depthwise over time, BatchNorm, Swish, pointwise: `d -> d`.

    Invalid frames are zero before the depthwise convolution, as the frames beyond either end
    are, and BatchNorm's statistics are those of the valid frames. At inference BatchNorm is a
    factor and an offset per channel, which a converter multiplies into the depthwise kernel.

    Args:
        units: Width `d` of input and output.
        kernel_size: Frames of the depthwise kernel; odd.
        **kwargs: `name`, `dtype`, and what else every Keras layer takes.

    Input shape:
        `(batch, frames, units)`, and a Keras mask `(batch, frames)` or none.

    Output shape:
        The same; the mask is passed on.

    Reference:
        Gulati et al., Conformer, Interspeech 2020, section 2.2.
    """

    def __init__(self, units: int, *, kernel_size: int = 31, **kwargs):
        super().__init__(**kwargs)
        self.units = positive_int("units", units)
        self.kernel_size = odd("kernel_size", kernel_size)
        self.supports_masking = True
        dtype = self.dtype_policy
        self.expansion = keras.layers.Dense(2 * self.units, dtype=dtype, name="expansion")
        # In two dimensions, of which one is 1, so that nothing stands between kernel and
        # BatchNorm in an exported graph. With an odd kernel and stride 1, "same" is centred.
        self.depthwise = keras.layers.DepthwiseConv2D(
            (self.kernel_size, 1), padding="same", use_bias=False, dtype=dtype, name="depthwise"
        )
        self.norm = keras.layers.BatchNormalization(
            momentum=0.9, epsilon=1e-5, dtype=dtype, name="norm"
        )
        self.projection = keras.layers.Dense(self.units, dtype=dtype, name="projection")

    def build(self, input_shape):
        self.expansion.build((None, None, self.units))
        self.depthwise.build((None, None, 1, self.units))
        self.norm.build((None, None, 1, self.units))
        self.projection.build((None, None, self.units))

    def call(self, x, mask=None, training=None):
        x, gate = ops.split(self.expansion(x), 2, axis=-1)
        x = x * ops.sigmoid(gate)
        if mask is not None:
            x = x * ops.cast(mask, x.dtype)[:, :, None]
        x = self.depthwise(ops.expand_dims(x, 2))
        x = self.norm(x, training=training, mask=None if mask is None else mask[:, :, None])
        return self.projection(ops.squeeze(ops.silu(x), 2))

    def compute_output_shape(self, input_shape):
        return tuple(input_shape)

    def get_config(self):
        config = super().get_config()
        config.update(units=self.units, kernel_size=self.kernel_size)
        return config
