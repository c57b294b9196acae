"""The ConvTransformer backbone."""

from typing import ClassVar

import keras

from keras_reparam.models._validation import (
    as_given,
    divisible,
    positive_int,
    rate,
    repeated,
    unified,
)
from keras_reparam.models.backbone import Backbone, policy_of
from keras_reparam.models.conv_subsampling import ConvSubsampling, checked_factor
from keras_reparam.models.dropout import Dropout
from keras_reparam.models.local_attention import LocalAttention
from keras_reparam.models.pooling import checked_pooling, pooled
from keras_reparam.models.sinusoidal_positions import SinusoidalPositions
from keras_reparam.models.transformer_encoder_layer import TransformerEncoderLayer


@keras.saving.register_keras_serializable(package="keras_reparam")
class ConvTransformer(Backbone):
    """Two strided convolutions, a Transformer encoder, mean over time, classifier: logits.

    The encoder is that of fairseq's and ESPnet-ST's `convtransformer`: two 3x3 convolutions
    over (time, mel) with stride 2 and ReLU, a linear layer, times `sqrt(units)`, sinusoidal
    positions, dropout, `num_layers` encoder layers (pre-norm: a LayerNorm at the end). Then the
    mean over the valid frames and a linear classifier. Positions count from 0, where fairseq's
    count from 2.

    The Keras mask of the input says which frames are valid (`keras_reparam.audio.LogMel` sets it;
    for stored features call `model(features, mask=mask)`). Frames that are not valid change
    nothing, so a clip and the same clip with zeros after it get the same logits. A clip without a
    valid frame gets the classifier's bias.

    Attention compares every frame with every other: time and memory grow with the square of the
    number of frames. A minute at a hop of 10 ms is 1,500 frames after the convolutions, and 9 MB
    of float32 scores per head and layer. With `num_windows` a frame attends to those of its own
    window, and both grow in proportion; a few `global_layers` connect the windows.

    The first linear layer of each feed-forward network, `fc1`, is where
    `keras_reparam.expand` adds HRF.

    Args:
        num_classes: Number of logits.
        num_mels: Number of mel bands of the input.
        frames: Number of frames of the input, which makes every shape static, as a phone needs
            it. `None`: any number.
        channels: Channels of the convolutions.
        units: Width of the encoder, even.
        num_layers: Number of encoder layers.
        num_heads: Number of attention heads; a tuple has one for each layer.
        key_dim: Width of a head. `None`: `units / num_heads`, which must be whole.
        feed_forward_units: Width between the two layers of a feed-forward network; a tuple has
            one for each encoder layer, as `keras_reparam.prune` leaves them.
        subsampling_factor: Frames of the input for one behind the convolutions: 4, or 2, where the
            second convolution has no stride in time, as for a front end of half as many frames.
        dropout: Rate of all dropouts.
        norm_first: Whether the encoder layers are pre-norm.
        num_windows: Attention stays within so many windows of time, which follow each other
            without a gap and are of equal length; the last one is shorter where that does not
            divide. It needs `frames`. 1: every frame attends to every other.
        global_layers: Which encoder layers, counted from 0, attend to every frame all the same.
        feature_layers: Which encoder layers the mean hears: a linear layer takes their outputs,
            side by side, to `units`. The last one must be among them. `None`: it alone, directly.
        pooling: What the classifier hears of the frames: their `"mean"`, or `"mean_std"`, mean and
            standard deviation side by side (statistics pooling).
        dtype: dtype policy. `None`: the global one. Logits are always float32.
        name: Name of the model.
        trainable: Whether its weights are trained.

    Input shape:
        `(batch, frames, num_mels)`.

    Output shape:
        `(batch, num_classes)`.

    Raises:
        ValueError: If an argument is not as described here; and, when the model is called on a
            NumPy array, if that holds NaN or infinity, or no frame.

    Example:

    >>> import numpy as np
    >>> import keras_reparam as kr
    >>> model = kr.models.ConvTransformer(
    ...     num_classes=4, num_mels=20, frames=50, channels=4, units=16, num_layers=1,
    ...     num_heads=2, feed_forward_units=32,
    ... )
    >>> tuple(model(np.zeros((2, 50, 20), "float32")).shape)
    (2, 4)

    Reference:
        Wang et al., fairseq S2T, AACL 2020. Windows: after LW-DETR, arXiv
        2406.03459.
    """

    default_reparam_layers: ClassVar = {"hrf": ("fc1",)}

    def __init__(
        self,
        *,
        num_classes: int,
        num_mels: int = 64,
        frames: int | None = None,
        channels: int = 16,
        units: int = 64,
        num_layers: int = 4,
        num_heads: int | tuple[int, ...] = 4,
        key_dim: int | None = None,
        feed_forward_units: int | tuple[int, ...] = 128,
        subsampling_factor: int = 4,
        dropout: float = 0.1,
        norm_first: bool = False,
        num_windows: int = 1,
        global_layers: tuple[int, ...] = (),
        feature_layers: tuple[int, ...] | None = None,
        pooling: str = "mean",
        dtype=None,
        name: str | None = None,
        trainable: bool = True,
    ):
        arguments = {
            "num_classes": positive_int("num_classes", num_classes),
            "num_mels": positive_int("num_mels", num_mels),
            "frames": None if frames is None else positive_int("frames", frames),
            "channels": positive_int("channels", channels),
            "units": positive_int("units", units),
            "num_layers": positive_int("num_layers", num_layers),
            "num_heads": as_given("num_heads", num_heads, num_layers),
            "key_dim": None if key_dim is None else positive_int("key_dim", key_dim),
            "feed_forward_units": as_given("feed_forward_units", feed_forward_units, num_layers),
            "subsampling_factor": checked_factor(subsampling_factor),
            "dropout": rate("dropout", dropout),
            "pooling": checked_pooling(pooling),
            "norm_first": bool(norm_first),
        }
        heads = repeated(arguments["num_heads"], num_layers)
        for number in heads if key_dim is None else ():
            divisible("units", units, "num_heads", number)
        widths = repeated(arguments["feed_forward_units"], num_layers)
        local = LocalAttention.of(
            num_windows=num_windows,
            global_layers=global_layers,
            feature_layers=feature_layers,
            num_layers=num_layers,
            frames=frames,
            subsampling_factor=subsampling_factor,
        )
        if units % 2 or units < 4:
            raise ValueError(
                f"`units` must be even and at least 4, for sines and cosines. Received: {units=}"
            )
        policy = policy_of(dtype)

        features = keras.Input((frames, num_mels), dtype="float32", name="features")
        x = ConvSubsampling(
            units, channels=channels, factor=subsampling_factor, dtype=policy, name="subsampling"
        )(features)
        x = SinusoidalPositions(dtype=policy, name="positions")(x)
        x = Dropout(dropout, dtype=policy, name="dropout")(x)
        outputs = []
        for i in range(num_layers):
            x = TransformerEncoderLayer(
                units,
                num_heads=heads[i],
                key_dim=key_dim,
                feed_forward_units=widths[i],
                dropout=dropout,
                norm_first=norm_first,
                block_length=local.block_length(i),
                dtype=policy,
                name=f"encoder_{i}",
            )(x)
            outputs.append(x)
        x = local.aggregated(outputs, units, policy)
        if norm_first:
            x = keras.layers.LayerNormalization(epsilon=1e-5, dtype=policy, name="norm")(x)
        x = pooled(x, pooling, policy)
        logits = keras.layers.Dense(num_classes, dtype="float32", name="classifier")(x)
        super().__init__(
            features,
            logits,
            arguments={**arguments, **local.arguments},
            policy=policy,
            name=name,
            trainable=trainable,
        )

    def take_over_widths(self):
        """Makes the config that of the layers, some of which have become narrower."""
        layers = [self.get_layer(f"encoder_{i}") for i in range(self.num_layers)]
        self.feed_forward_units = unified([layer.feed_forward_units for layer in layers])
        self.num_heads = unified([layer.num_heads for layer in layers])
        self.key_dim = layers[0].key_dim
