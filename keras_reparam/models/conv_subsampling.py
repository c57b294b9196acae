"""The convolutional front of the ConvTransformer."""

import keras
from keras import ops

from keras_reparam._utils.validation import one_of
from keras_reparam.models._validation import positive_int
from keras_reparam.models.time_blocks import num_blocks


@keras.saving.register_keras_serializable(package="keras_reparam")
class ConvSubsampling(keras.layers.Layer):
    """Two 3x3 convolutions over (time, mel) with stride 2 and ReLU, then a linear layer.

    With `factor=2` the second one has stride 1 in time. Both axes are padded by one zero on either
    side, so output frame `t` of a convolution is centred on input frame `stride * t` whatever the
    number of frames, and there are `ceil(frames / stride)` of them. Invalid frames are set to zero
    before each convolution; an output frame is valid if the frame in its centre is. So zeros after
    a clip change nothing.

    Args:
        units: Output width.
        channels: Number of channels of both convolutions.
        factor: Input frames for one output frame: 4 or 2.
        **kwargs: `name`, `dtype`, and what else every Keras layer takes.

    Input shape:
        `(batch, frames, mels)`, and a Keras mask `(batch, frames)` or none.

    Output shape:
        `(batch, ceil(frames / factor), units)`, and the mask `(batch, ceil(frames / factor))`.
    """

    def __init__(self, units: int, *, channels: int, factor: int = 4, **kwargs):
        super().__init__(**kwargs)
        self.units = positive_int("units", units)
        self.channels = positive_int("channels", channels)
        self.factor = checked_factor(factor)
        self.supports_masking = True
        self.convolutions = [
            keras.layers.Conv2D(
                self.channels,
                3,
                strides=(stride, 2),
                activation="relu",
                dtype=self.dtype_policy,
                name=f"convolution_{i + 1}",
            )
            for i, stride in enumerate((2, self.factor // 2))
        ]
        self.projection = keras.layers.Dense(self.units, dtype=self.dtype_policy, name="projection")

    def build(self, input_shape):
        mels = input_shape[2]
        channels = 1
        for convolution in self.convolutions:
            convolution.build((None, None, mels + 2, channels))
            mels, channels = -(-mels // 2), self.channels
        self.projection.build((None, None, mels * channels))

    def call(self, features, mask=None):
        x = ops.expand_dims(features, -1)
        valid = None if mask is None else ops.cast(mask, x.dtype)[:, :, None, None]
        for convolution in self.convolutions:
            if valid is not None:
                x = x * valid
                valid = valid[:, :: convolution.strides[0]]
            # Explicit zeros: "same" would shift the grid by a frame for an odd length.
            x = convolution(ops.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0))))
        x = ops.reshape(x, (-1, ops.shape(x)[1], x.shape[2] * self.channels))
        return self.projection(x)

    def compute_mask(self, features, previous_mask=None):
        return None if previous_mask is None else previous_mask[:, :: self.factor]

    def compute_output_shape(self, input_shape):
        frames = input_shape[1]
        return (
            input_shape[0],
            num_blocks(frames, self.factor),
            self.units,
        )

    def get_config(self):
        config = super().get_config()
        config.update(units=self.units, channels=self.channels, factor=self.factor)
        return config


def checked_factor(factor: int) -> int:
    """`factor` if the convolutions can have it, or a `ValueError`."""
    return one_of("subsampling_factor", factor, (2, 4))
