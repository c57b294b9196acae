"""Log-mel features of clips."""

import dataclasses

import keras
import numpy as np

from keras_reparam.audio import LogMel
from keras_reparam.audio.level import LEAST_DEVIATION, features_at_level


@dataclasses.dataclass(frozen=True)
class Features:
    """Log-mel features `(frames, mels)` of one waveform, and its mask `(frames,)`."""

    values: np.ndarray
    mask: np.ndarray


class Normalization:
    """What `LogMel.normalize` does, in NumPy: batches need not go to the backend and back.

    Args:
        log_mel: The front end, adapted.
    """

    def __init__(self, log_mel: LogMel):
        self._mean, self._std = map(keras.ops.convert_to_numpy, (log_mel.mean, log_mel.std))
        self._utterance_mean, self._utterance_std = log_mel.utterance_mean, log_mel.utterance_std
        self._log_offset = log_mel.log_offset if log_mel.level_normalization else None

    def __call__(self, values: np.ndarray, mask: np.ndarray) -> np.ndarray:
        """Features `(..., frames, mels)` with the mask `(..., frames)`, normalised, float32."""
        values = values.astype("float32")
        if self._log_offset is not None:
            values = features_at_level(values, mask, self._log_offset, numpy=np)
        if self._utterance_mean:
            values -= _mean_over_time(values, mask)
        if self._utterance_std:
            variance = _mean_over_time(np.square(values), mask).mean(axis=-1, keepdims=True)
            values /= np.maximum(np.sqrt(variance), LEAST_DEVIATION)
        return (values - self._mean) / self._std


def _mean_over_time(values: np.ndarray, mask: np.ndarray) -> np.ndarray:
    valid = mask[..., None]
    count = np.maximum(valid.sum(axis=-2, keepdims=True), 1).astype("float32")
    return (values * valid).sum(axis=-2, keepdims=True) / count
