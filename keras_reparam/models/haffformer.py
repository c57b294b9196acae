"""The HAFFormer backbone."""

from collections.abc import Sequence
from typing import ClassVar

import keras

from keras_reparam.models._validation import odd, positive_int, positive_ints, rate
from keras_reparam.models.backbone import Backbone, policy_of
from keras_reparam.models.haffformer_block import HAFFormerBlock
from keras_reparam.models.merge_block import MergeBlock
from keras_reparam.models.pooling import checked_pooling, pooled


@keras.saving.register_keras_serializable(package="keras_reparam")
class HAFFormer(Backbone):
    """Three levels of attention-free blocks and merges, for long recordings: logits.

    A linear layer, then three levels, frame to word to dialogue: blocks of depthwise convolutions
    of several lengths and a GEGLU, and a merge block that takes the mean of `merge_scales[i]`
    frames and widens. Then the mean over time and a linear classifier. Time and memory
    grow linearly with the number of frames.

    Widths, depths, kernels and merges of the paper are not public: these are this project's own.

    The Keras mask of the input says which frames are valid (`keras_reparam.audio.LogMel` sets it;
    for stored features call `model(features, mask=mask)`). Frames that are not valid change
    nothing.

    Both input projections of the GEGLUs, `gate` and `value`, are where `keras_reparam.expand`
    adds HRF.

    Args:
        num_classes: Number of logits.
        num_mels: Number of mel bands of the input.
        frames: Number of frames of the input, which makes every shape static, as a phone needs
            it. `None`: any number.
        units: Widths of the three levels.
        num_layers: Blocks of the three levels.
        feed_forward_ratio: Width of a GEGLU in multiples of the level's width.
        kernel_sizes: Frames of the depthwise kernels of every block; odd.
        merge_scales: Frames that become one after each level.
        dropout: Rate of all dropouts.
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
    >>> model = kr.models.HAFFormer(
    ...     num_classes=4, num_mels=20, units=(8, 8, 8), num_layers=(1, 1, 1),
    ... )
    >>> tuple(model(np.zeros((2, 50, 20), "float32")).shape)
    (2, 4)

    Reference:
        Dong et al., HAFFormer, ICASSP 2024, arXiv 2405.03952.
    """

    default_reparam_layers: ClassVar = {"hrf": ("gate", "value")}

    def __init__(
        self,
        *,
        num_classes: int,
        num_mels: int = 64,
        frames: int | None = None,
        units: Sequence[int] = (48, 64, 96),
        num_layers: Sequence[int] = (2, 2, 2),
        feed_forward_ratio: int = 2,
        kernel_sizes: Sequence[int] = (3, 7, 15),
        merge_scales: Sequence[int] = (5, 5, 4),
        dropout: float = 0.1,
        pooling: str = "mean",
        dtype=None,
        name: str | None = None,
        trainable: bool = True,
    ):
        arguments = {
            "num_classes": positive_int("num_classes", num_classes),
            "num_mels": positive_int("num_mels", num_mels),
            "frames": None if frames is None else positive_int("frames", frames),
            "units": positive_ints("units", units, count=3),
            "num_layers": positive_ints("num_layers", num_layers, count=3),
            "feed_forward_ratio": positive_int("feed_forward_ratio", feed_forward_ratio),
            "kernel_sizes": positive_ints("kernel_sizes", kernel_sizes),
            "merge_scales": positive_ints("merge_scales", merge_scales, count=3),
            "dropout": rate("dropout", dropout),
            "pooling": checked_pooling(pooling),
        }
        for size in kernel_sizes:
            odd("kernel_sizes", size)
        if len(set(kernel_sizes)) < len(kernel_sizes):
            raise ValueError(
                f"`kernel_sizes` must differ from each other. Received: {kernel_sizes=}"
            )
        policy = policy_of(dtype)

        features = keras.Input((frames, num_mels), dtype="float32", name="features")
        x = keras.layers.Dense(units[0], dtype=policy, name="projection")(features)
        # Each level's merge widens to the next one's width.
        levels = zip(units, (*units[1:], units[2]), num_layers, merge_scales, strict=True)
        for i, (width, next_width, depth, scale) in enumerate(levels):
            for j in range(depth):
                x = HAFFormerBlock(
                    width,
                    feed_forward_units=feed_forward_ratio * width,
                    kernel_sizes=tuple(kernel_sizes),
                    dropout=dropout,
                    dtype=policy,
                    name=f"level_{i + 1}_block_{j}",
                )(x)
            x = MergeBlock(next_width, scale=scale, dtype=policy, name=f"merge_{i + 1}")(x)
        x = pooled(x, pooling, policy)
        logits = keras.layers.Dense(num_classes, dtype="float32", name="classifier")(x)
        super().__init__(
            features, logits, arguments=arguments, policy=policy, name=name, trainable=trainable
        )
