"""Random speed as a Keras layer."""

from collections.abc import Sequence
from fractions import Fraction

import keras
from keras import ops

from keras_reparam._utils.validation import is_finite
from keras_reparam.audio.resampling import SpeedFilters
from keras_reparam.audio.waveform_augmentation import WaveformAugmentation, extent, within


@keras.saving.register_keras_serializable(package="keras_reparam")
class RandomSpeed(WaveformAugmentation):
    """Plays each clip at a random one of some speeds, in training alone.

    Speed changes tempo and pitch alike: sample `n` of the result is the waveform at sample
    `n * factor`, by band-limited interpolation. The result has as many samples as the waveform:
    a clip that has become shorter is followed by zeros, one that has become longer is cut. A
    clip of `length` samples gets `ceil(length / factor)`, and everything after these is exactly
    zero, as is everything before its first one. All factors are equally likely; at 1.0 nothing
    changes. Interpolation may overshoot [-1, 1]; nothing is clipped.

    Every factor but 1.0 is computed for all clips, so the time grows with their number.

    Args:
        factors: Speeds, from 0.5 to 2.0 in steps of 0.01.
        seed: Integer for reproducible draws. `None`: another sequence in every run.
        **kwargs: `name`, and what else every Keras layer takes. `dtype` must be float32.

    Call arguments:
        waveform: Floating-point samples `(batch, samples)` or `(samples,)`.
        training: Whether to change anything.

    Raises:
        ValueError: If an argument is not as described here.

    Example:

    >>> import numpy as np
    >>> import keras_reparam as kr
    >>> augment = kr.audio.RandomSpeed(factors=(2.0,))
    >>> waveform = np.sin(0.1 * np.arange(4000, dtype="float32"))[np.newaxis]
    >>> fast = np.array(augment(waveform, training=True))
    >>> bool(np.allclose(fast[0, 50:1950], np.sin(0.2 * np.arange(50, 1950)), atol=1e-3))
    True
    >>> bool((fast[0, 2000:] == 0).all())
    True

    Reference:
        Ko et al., Audio augmentation for speech recognition, Interspeech 2015, section 2.
    """

    def __init__(
        self, *, factors: Sequence[float] = (0.9, 1.0, 1.1), seed: int | None = None, **kwargs
    ):
        super().__init__(seed=seed, **kwargs)
        speeds = _speeds(factors)
        self.factors = tuple(map(float, speeds))
        self._speeds = tuple(map(SpeedFilters, speeds))

    def augment(self, waveform):
        samples = ops.shape(waveform)[1]
        start, stop = extent(waveform)
        shape = (ops.shape(waveform)[0], 1)
        choice = keras.random.randint(
            shape, 0, len(self.factors), "int32", seed=self.seed_generator
        )
        result = waveform
        for i, speed in enumerate(self._speeds):
            if speed.factor == 1:
                continue
            played = speed(waveform)
            if speed.factor > 1:
                played = ops.concatenate([played, ops.zeros_like(waveform)], axis=1)
            played = within(
                played[:, :samples],
                _ceil_divide(start, speed.factor),
                _ceil_divide(stop, speed.factor),
            )
            result = ops.where(choice == i, played, result)
        return result

    def get_config(self):
        return {**super().get_config(), "factors": self.factors}


def _speeds(factors) -> list[Fraction]:
    """The factors as fractions of small integers, or a `ValueError`."""
    if isinstance(factors, (tuple, list)) and factors and all(map(_is_speed, factors)):
        return [Fraction(round(100 * factor), 100) for factor in factors]
    raise ValueError(
        "`factors` must be a non-empty sequence of numbers from 0.5 to 2.0 in steps of 0.01. "
        f"Received: factors={factors!r}"
    )


def _is_speed(value) -> bool:
    return is_finite(value) and 0.5 <= value <= 2 and abs(100 * value - round(100 * value)) < 1e-6


def _ceil_divide(place, factor: Fraction):
    """`ceil(place / factor)`."""
    return (place * factor.denominator + factor.numerator - 1) // factor.numerator
