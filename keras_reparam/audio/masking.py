"""The one rule that says which frames hold sound."""

import functools

import keras
from keras import ops

from keras_reparam._utils.validation import positive_int
from keras_reparam.audio import framing


def frame_mask(waveform, *, frame_length: int, hop_length: int, fft_length: int | None = None):
    """Mask of valid frames: a frame is valid if its window holds a nonzero sample.

    The window of frame `t` covers the samples from `t * hop_length + offset` on, `frame_length`
    of them, with `offset = (fft_length - frame_length) // 2`: librosa centres a window that is
    shorter than the FFT. There are `ceil(samples / hop_length)` frames; beyond its end the
    waveform is zero. NaN is not zero: it does not pass for silence.

    The mask is a property of the recorded samples: compute it before any augmentation, and
    store it beside stored features. `keras_reparam.audio.LogMel` sets it as Keras mask of its
    output.

    Args:
        waveform: Floating-point samples `(batch, samples)` or `(samples,)`.
        frame_length: Window length in samples.
        hop_length: Distance of two frames in samples.
        fft_length: FFT length in samples in which the window is centred. `None`:
            `frame_length`, so the offset is 0.

    Returns:
        Boolean tensor `(batch, frames)`; one waveform alone counts as a batch of one.

    Raises:
        ValueError: If a length is not a positive integer, if `fft_length < frame_length`, or
            if the waveform has another rank.

    Example:

    >>> import numpy as np
    >>> import keras_reparam as kr
    >>> waveform = np.zeros((1, 8), "float32")
    >>> waveform[0, 3] = 0.5
    >>> mask = kr.audio.frame_mask(waveform, frame_length=4, hop_length=2)
    >>> np.array(mask).tolist()
    [[True, True, False, False]]
    """
    frame_length = positive_int("frame_length", frame_length)
    hop_length = positive_int("hop_length", hop_length)
    fft_length = frame_length if fft_length is None else positive_int("fft_length", fft_length)
    if fft_length < frame_length:
        raise ValueError(
            "`fft_length` must be at least `frame_length`. "
            f"Received: fft_length={fft_length}, frame_length={frame_length}"
        )
    waveform = as_batch(waveform)
    parts, frames = framing.blocks(
        waveform,
        offset=(fft_length - frame_length) // 2,
        width=frame_length,
        hop_length=hop_length,
    )
    # A sum of absolute values is zero exactly where every value is. (Squares could underflow.)
    parts = ops.absolute(parts)
    whole, rest = divmod(frame_length, hop_length)
    full = ops.sum(parts, axis=-1)
    levels = [full[:, i : i + frames] for i in range(whole)]
    if rest:
        levels.append(ops.sum(parts[:, whole : whole + frames, :rest], axis=-1))
    return ops.not_equal(functools.reduce(ops.add, levels), 0.0)


def as_batch(waveform):
    """Floating-point waveform(s) as a tensor `(batch, samples)`, float32 at least."""
    waveform = ops.convert_to_tensor(waveform)
    if len(waveform.shape) not in (1, 2):
        raise ValueError(
            "A waveform must have the shape (batch, samples) or (samples,). "
            f"Received: shape={tuple(waveform.shape)}"
        )
    dtype = keras.backend.standardize_dtype(waveform.dtype)
    if "float" not in dtype:
        raise ValueError(
            "A waveform must hold floating-point samples between -1 and 1; divide 16-bit "
            f"integers by 32768. Received: dtype={dtype}"
        )
    waveform = ops.cast(waveform, "float32")
    return waveform if len(waveform.shape) == 2 else ops.expand_dims(waveform, 0)
