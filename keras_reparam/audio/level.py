"""Taking a clip's level, and its DC offset, out of what is made of it."""

from typing import Any

from keras import ops

# `log_offset` of features from which the level is to be taken out later: below the rounding noise
# of 16 bits, and float16 holds its logarithm.
LEAST_OFFSET = 1e-12

# Of logarithms: below that of any sound, so that what does not vary stays as good as zero.
LEAST_DEVIATION = 0.01

# Of a mel value: far below all that 16 bits can hold, so that digital silence is divided by it.
_TINY = 1e-20


def without_dc_offset(waveform):
    """The waveform without the mean of its nonzero samples; zeros stay zero.

    Args:
        waveform: float32 tensor `(batch, samples)`.
    """
    sound = ops.cast(ops.not_equal(waveform, 0.0), "float32")
    count = ops.maximum(ops.sum(sound, axis=-1, keepdims=True), 1.0)
    return waveform - sound * (ops.sum(waveform, axis=-1, keepdims=True) / count)


def level_normalized(mel, log_offset: float, *, numpy: Any = ops):
    """`log(mel / level + log_offset)`, where `level` is that of the clip's loud frames.

    It is the mean of the frames' energies, each weighted by itself (their contraharmonic mean):
    frames without sound, which hold zeros, have no part in it, so that there need be no mask, and
    those with little sound have little.

    Args:
        mel: Mel values `(..., frames, bands)`, zero where a frame is not valid.
        log_offset: Relative to the level.
        numpy: Whose functions compute it: `keras.ops`, or NumPy.
    """
    energy = numpy.mean(mel, axis=-1, keepdims=True)
    total = numpy.sum(energy, axis=-2, keepdims=True)
    level = numpy.sum(energy * energy, axis=-2, keepdims=True) / numpy.maximum(total, _TINY)
    return numpy.log(mel * (1.0 / numpy.maximum(level, _TINY)) + log_offset)


def features_at_level(features, mask, log_offset: float, *, numpy: Any = ops):
    """`level_normalized` of features `log(mel + LEAST_OFFSET)`.

    Args:
        features: `(..., frames, bands)`.
        mask: Boolean `(..., frames)`: which frames are valid. `None`: all of them.
        log_offset: Relative to the level.
        numpy: As above.
    """
    mel = numpy.maximum(numpy.exp(features) - LEAST_OFFSET, 0.0)
    if mask is not None:
        mel = numpy.where(mask[..., None], mel, 0.0)
    return level_normalized(mel, log_offset, numpy=numpy)
