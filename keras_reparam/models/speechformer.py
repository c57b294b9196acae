"""The SpeechFormer backbone."""

from collections.abc import Sequence
from typing import ClassVar

import keras

from keras_reparam._utils.validation import is_finite
from keras_reparam.models._validation import divisible, positive_int, positive_ints, rate
from keras_reparam.models.backbone import Backbone, policy_of
from keras_reparam.models.dropout import Dropout
from keras_reparam.models.feature_crop import FeatureCrop
from keras_reparam.models.merge_block import MergeBlock
from keras_reparam.models.pooling import checked_pooling, pooled
from keras_reparam.models.speechformer_stage import SpeechFormerStage

# Milliseconds that a frame attends to in stages 1 to 3 (stage 4: everything), and that one frame
# stands for after them: the statistical lengths of phones, words and phrases.
_WINDOWS = (50, 400, 2000)
_MERGES = (50, 250, 1000)


@keras.saving.register_keras_serializable(package="keras_reparam")
class SpeechFormer(Backbone):
    """Four stages, frame to phone to word to phrase to utterance, with merges between: logits.

    Each stage is a LayerNorm and post-norm encoder layers; in the first three a frame attends to
    a window of 50, 400 and 2000 ms, in the last to everything. After them, a merge block takes
    the mean of all frames within 50, 250 and 1000 ms. Then the mean over time and a classifier of
    three linear layers. `window_lengths(hop)` and `merge_scales(hop)` give the lengths in frames,
    rounded as in the reference implementation, whose weights `load_reference_state` loads.

    With the defaults and `num_mels=128` it is the published SpeechFormer-S (1,059,428 trainable
    parameters with 4 classes); `widening=(1, 1, 2)` makes SpeechFormer-B (2,095,300).

    The published model has no mask: zeros after a clip are frames like all others. That form is
    `masked=False`. Masked, the default here, in `keras_reparam.models.create` and in the recipes,
    invalid frames (see `keras_reparam.audio.frame_mask`) are taken for the end of the clip, so
    every clip of a batch gets what the published model gives for the clip alone. Without a
    Keras mask both forms are the same.

    Time and memory of the first three stages grow linearly with the number of frames, of the last
    with its square; but there a frame stands for a second, so that ten minutes are 600 of them.

    `fc1` of the encoder layers is where `keras_reparam.expand` adds HRF: 12 sites.

    Args:
        num_classes: Number of logits.
        num_mels: Number of features of a frame, at least `num_heads`.
        frames: Number of frames of the input, which makes every shape static, as a phone needs
            it. `None`: any number; with a table of positions, up to `max_frames`.
        hop: Seconds from one frame to the next, at most 0.05.
        units: Width of the first stage, a multiple of `num_heads`; a linear layer goes before.
            `None`, as published: the features themselves, as many of them as `num_heads` divides.
        num_layers: Encoder layers of the four stages.
        num_heads: Number of attention heads.
        feed_forward_units: Width of the feed-forward networks of the first stage; it widens as
            `units` does. `None`, as published: half the width.
        widening: By what factor the three merge blocks widen.
        dropout: Rate of the dropouts of the encoder layers.
        classifier_dropout: Rate of the dropouts of the classifier.
        masked: Whether the Keras mask is respected. `False`: it is ignored, as published.
        positions: What is added to the input of the attention in the first stage. `"table"`: a
            table that is not trained, as in the reference implementation, where it is random.
            `"sinusoidal"`, as in the paper's text: sines and cosines, for any number of frames.
        max_frames: Rows of the table of positions.
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
    >>> model = kr.models.SpeechFormer(num_classes=4, num_mels=16, frames=60, num_heads=2)
    >>> tuple(model(np.zeros((2, 60, 16), "float32")).shape)
    (2, 4)

    Reference:
        Chen et al., SpeechFormer, Interspeech 2022, arXiv 2203.03812.
    """

    default_reparam_layers: ClassVar = {"hrf": ("fc1",)}

    def __init__(
        self,
        *,
        num_classes: int,
        num_mels: int = 128,
        frames: int | None = None,
        hop: float = 0.01,
        units: int | None = None,
        num_layers: Sequence[int] = (2, 2, 4, 4),
        num_heads: int = 8,
        feed_forward_units: int | None = None,
        widening: Sequence[int] = (1, 1, 1),
        dropout: float = 0.1,
        classifier_dropout: float = 0.5,
        masked: bool = True,
        positions: str = "table",
        max_frames: int = 2000,
        pooling: str = "mean",
        dtype=None,
        name: str | None = None,
        trainable: bool = True,
    ):
        arguments = {
            "num_classes": positive_int("num_classes", num_classes),
            "num_mels": positive_int("num_mels", num_mels),
            "frames": None if frames is None else positive_int("frames", frames),
            "hop": _checked_hop(hop),
            "units": None if units is None else positive_int("units", units),
            "num_layers": positive_ints("num_layers", num_layers, count=4),
            "num_heads": positive_int("num_heads", num_heads),
            "feed_forward_units": None
            if feed_forward_units is None
            else positive_int("feed_forward_units", feed_forward_units),
            "widening": positive_ints("widening", widening, count=3),
            "dropout": rate("dropout", dropout),
            "classifier_dropout": rate("classifier_dropout", classifier_dropout),
            "masked": bool(masked),
            "positions": positions,
            "max_frames": positive_int("max_frames", max_frames),
            "pooling": checked_pooling(pooling),
        }
        width = num_mels // num_heads * num_heads if units is None else units
        divisible("units", width, "num_heads", num_heads)
        if width < 4:
            raise ValueError(
                "`num_mels` must be at least `num_heads`, and the width at least 4. "
                f"Received: num_mels={num_mels}, num_heads={num_heads}, units={units}"
            )
        if positions not in ("table", "sinusoidal"):
            raise ValueError(
                f'`positions` must be "table" or "sinusoidal". Received: positions={positions!r}'
            )
        if positions == "table" and frames is not None and frames > max_frames:
            raise ValueError(
                "`frames` must be at most `max_frames`, for every frame needs a position; or "
                'choose positions="sinusoidal". '
                f"Received: frames={frames}, max_frames={max_frames}"
            )
        policy = policy_of(dtype)
        feed_forward = width // 2 if feed_forward_units is None else feed_forward_units

        features = keras.Input((frames, num_mels), dtype="float32", name="features")
        x = FeatureCrop(
            width if units is None else num_mels, pass_mask=masked, dtype=policy, name="input"
        )(features)
        if units is not None:
            x = keras.layers.Dense(units, dtype=policy, name="projection")(x)
        merges = (*zip(widening, merge_scales(hop), strict=True), None)
        for i, (window, merge) in enumerate(zip(window_lengths(hop), merges, strict=True)):
            x = SpeechFormerStage(
                width,
                num_layers=num_layers[i],
                num_heads=num_heads,
                feed_forward_units=feed_forward,
                window=window,
                positions=positions if i == 0 else None,
                max_frames=max_frames,
                dropout=dropout,
                dtype=policy,
                name=f"stage_{i + 1}",
            )(x)
            if merge is not None:
                factor, scale = merge
                width, feed_forward = width * factor, feed_forward * factor
                x = MergeBlock(width, scale=scale, dtype=policy, name=f"merge_{i + 1}")(x)
        x = pooled(x, pooling, policy)
        for i, units_of_head in enumerate((width // 2, width // 4)):
            x = keras.layers.Dense(
                units_of_head, activation="relu", dtype=policy, name=f"head_{i + 1}"
            )(x)
            x = Dropout(classifier_dropout, dtype=policy, name=f"head_dropout_{i + 1}")(x)
        logits = keras.layers.Dense(num_classes, dtype="float32", name="classifier")(x)
        super().__init__(
            features, logits, arguments=arguments, policy=policy, name=name, trainable=trainable
        )


def window_lengths(hop: float) -> tuple[int | None, ...]:
    """Frames that a frame of each stage attends to; `None`: all. Always odd.

    Example:

    >>> window_lengths(0.01), window_lengths(0.02)
    ((5, 9, 9, None), (3, 11, 9, None))
    """
    # In floats, and each rounded down twice, as published.
    milliseconds = hop * 1000
    before = (1, *(merge // milliseconds for merge in _MERGES))
    lengths = [
        int(window // milliseconds // scale)
        for window, scale in zip(_WINDOWS, before, strict=False)
    ]
    return (*(length + 1 - length % 2 for length in lengths), None)


def merge_scales(hop: float) -> tuple[int, ...]:
    """Frames that each merge block takes together.

    Example:

    >>> merge_scales(0.01), merge_scales(0.02)
    ((5, 5, 4), (2, 6, 4))
    """
    milliseconds = hop * 1000
    scales = [merge // milliseconds for merge in _MERGES]
    before = (1, *scales)
    return tuple(int(scale // last) for scale, last in zip(scales, before, strict=False))


def _checked_hop(hop: float) -> float:
    if not is_finite(hop) or hop <= 0 or _MERGES[0] // (hop * 1000) < 1:
        raise ValueError(
            "`hop` must be a number of seconds above 0 and at most 0.05, for the first merge "
            f"block takes the frames within 50 ms. Received: hop={hop!r}"
        )
    return float(hop)
