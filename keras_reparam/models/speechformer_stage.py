"""One stage of SpeechFormer."""

from typing import Any

import keras
import numpy as np
from keras import ops

from keras_reparam.models._validation import positive_int
from keras_reparam.models.transformer_encoder_layer import TransformerEncoderLayer


@keras.saving.register_keras_serializable(package="keras_reparam")
class SpeechFormerStage(keras.layers.Layer):
    """LayerNorm, then `num_layers` post-norm encoder layers, which share their positions.

    Positions are added to the input of every attention, not to the residual. A table of them is
    not trained, and starts as in the reference implementation: Glorot uniform.

    Args:
        units: Width of input and output.
        num_layers: Number of encoder layers.
        num_heads: Number of attention heads; divides `units`.
        feed_forward_units: Width between `fc1` and `fc2`.
        window: Frames that a frame attends to, an odd number. `None`: all.
        positions: `"table"`, `"sinusoidal"`, or `None`: no positions.
        max_frames: Rows of the table of positions.
        dropout: Rate of all dropouts.
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
        num_layers: int,
        num_heads: int,
        feed_forward_units: int,
        window: int | None = None,
        positions: str | None = None,
        max_frames: int = 2000,
        dropout: float = 0.1,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.units = positive_int("units", units)
        self.num_layers = positive_int("num_layers", num_layers)
        self.num_heads = num_heads
        self.feed_forward_units = feed_forward_units
        self.window = window
        self.positions = positions
        self.max_frames = positive_int("max_frames", max_frames)
        self.dropout = dropout
        self.supports_masking = True
        self.norm = keras.layers.LayerNormalization(
            epsilon=1e-5, dtype=self.dtype_policy, name="norm"
        )
        self.encoder_layers = [
            TransformerEncoderLayer(
                self.units,
                num_heads=num_heads,
                feed_forward_units=feed_forward_units,
                dropout=dropout,
                window=window,
                dtype=self.dtype_policy,
                name=f"encoder_{i}",
            )
            for i in range(self.num_layers)
        ]
        self.table: Any = None

    def build(self, input_shape):
        self.norm.build(input_shape)
        for layer in self.encoder_layers:
            layer.build(input_shape)
        if self.positions == "table":
            self.table = self.add_weight(
                shape=(self.max_frames, self.units),
                initializer="glorot_uniform",
                trainable=False,
                name="positions",
            )

    def call(self, x, mask=None, training=None):
        positions = self._positions(ops.shape(x)[1])
        x = self.norm(x)
        for layer in self.encoder_layers:
            x = layer(x, mask=mask, training=training, positions=positions)
        return x

    def _positions(self, frames):
        if self.positions is None:
            return None
        if self.positions == "sinusoidal":
            return ops.cast(_sinusoids(frames, self.units), self.compute_dtype)
        if isinstance(frames, int) and frames > self.max_frames:
            raise ValueError(
                f"There are positions for {self.max_frames} frames; create the model with more "
                f"`max_frames`, or cut the recording. Received: {frames} frames"
            )
        return ops.cast(self.table[:frames], self.compute_dtype)

    def compute_output_shape(self, input_shape):
        return tuple(input_shape)

    def get_config(self):
        config = super().get_config()
        for name in (
            "units",
            "num_layers",
            "num_heads",
            "feed_forward_units",
            "window",
            "positions",
            "max_frames",
            "dropout",
        ):
            config[name] = getattr(self, name)
        return config


def _sinusoids(frames, units: int):
    """`(frames, units)`: `sin(t w[i]), cos(t w[i])` in turn, `w[i] = 10000^(-2 i / units)`."""
    rates = 10000.0 ** (-2 * np.arange(-(-units // 2)) / units)
    angles = ops.arange(frames, dtype="float32")[:, None] * rates.astype("float32")
    pairs = ops.stack([ops.sin(angles), ops.cos(angles)], axis=-1)
    return ops.reshape(pairs, (frames, 2 * len(rates)))[:, :units]
