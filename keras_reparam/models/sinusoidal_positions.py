"""Scaled embeddings plus sinusoidal positions."""

import math

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="keras_reparam")
class SinusoidalPositions(keras.layers.Layer):
    """`sqrt(d) x[t] + [sin(t w), cos(t w)]`, `w[i] = 10000^(-i / (d / 2 - 1))`, `i < d / 2`.

    As in fairseq's `ConvTransformerEncoder`, all sines come before all cosines; there, `t` counts
    from 2, since rows 0 and 1 of its table are for padding.

    Args:
        **kwargs: `name`, `dtype`, and what else every Keras layer takes.

    Input shape:
        `(batch, frames, d)` with an even `d` of at least 4.

    Output shape:
        The same; the Keras mask is passed on.

    Reference:
        Vaswani et al., Attention Is All You Need, 2017, section 3.5.
    """

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.supports_masking = True

    def build(self, input_shape):
        if input_shape[2] % 2 or input_shape[2] < 4:
            raise ValueError(
                "SinusoidalPositions expects an even width of at least 4. "
                f"Received: input_shape={tuple(input_shape)}"
            )

    def call(self, x):
        frames, width = ops.shape(x)[1], x.shape[2]
        exponents = ops.arange(width // 2, dtype="float32") / (width // 2 - 1)
        rates = ops.exp(-math.log(10000.0) * exponents)
        angles = ops.arange(frames, dtype="float32")[:, None] * rates
        positions = ops.concatenate([ops.sin(angles), ops.cos(angles)], axis=-1)
        return x * math.sqrt(width) + ops.cast(positions, x.dtype)

    def compute_output_shape(self, input_shape):
        return tuple(input_shape)
