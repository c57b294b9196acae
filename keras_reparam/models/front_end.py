"""A backbone with its front end: waveform in."""

import keras

from keras_reparam.audio import LogMel


def with_front_end(backbone: keras.Model, log_mel: LogMel) -> keras.Model:
    """`waveform -> backbone(log_mel(waveform))`, with the mask passed on.

    The model takes waveforms `(batch, samples)`, `samples = frames * hop_length`, and shares
    `log_mel` and `backbone`, weights and all, with the caller: statistics that
    `log_mel.adapt()` measured are part of it and are saved with it. Merge the backbone before or
    after; export after merging.

    Args:
        backbone: Model with one input `(batch, frames, num_mels)`; `frames` must be static.
        log_mel: Front end with the same number of mel bands.

    Returns:
        Functional model named as the backbone, with the backbone's output.

    Raises:
        TypeError: If an argument has the wrong type.
        ValueError: If the shapes do not fit together.

    Example:

    >>> import numpy as np
    >>> import keras_reparam as kr
    >>> backbone = kr.models.create("conv_transformer", num_classes=4, frames=100)
    >>> wave = kr.models.with_front_end(backbone, kr.audio.LogMel())
    >>> wave.input_shape, wave.output_shape
    ((None, 16000), (None, 4))
    """
    if not isinstance(backbone, keras.Model):
        raise TypeError(
            f"`backbone` must be a `keras.Model`. Received: {backbone!r} of type {type(backbone)}"
        )
    if not isinstance(log_mel, LogMel):
        raise TypeError(
            "`log_mel` must be a `keras_reparam.audio.LogMel` layer. "
            f"Received: {log_mel!r} of type {type(log_mel)}"
        )
    shape = _input_shape(backbone)
    if len(shape) != 3 or shape[2] != log_mel.num_mels:
        raise ValueError(
            "`backbone` must take features (batch, frames, num_mels) with as many mel bands as "
            f"`log_mel` gives. Received: input_shape={shape}, num_mels={log_mel.num_mels}"
        )
    if shape[1] is None:
        raise ValueError(
            "`backbone` must have a fixed number of frames; create it with `frames=`. "
            f"Received: input_shape={shape}"
        )
    waveform = keras.Input((shape[1] * log_mel.hop_length,), dtype="float32", name="waveform")
    return keras.Model(waveform, backbone(log_mel(waveform)), name=backbone.name)


def _input_shape(backbone: keras.Model) -> tuple:
    shape = getattr(backbone, "input_shape", None)
    if not isinstance(shape, tuple) or (shape and isinstance(shape[0], (tuple, list, dict))):
        raise ValueError(
            "`backbone` must be built and have one input, features (batch, frames, num_mels). "
            f"Received: input_shape={shape}"
        )
    return shape
