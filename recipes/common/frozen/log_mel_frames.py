"""Log-mel features: what any model's should be better than."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

import keras
import numpy as np

from keras_reparam.audio import LogMel
from recipes.common.store.layout import SAMPLE_RATE


class LogMelFrames:
    """A `Maker` of the log-mel features of valid frames.

    Means and deviations over a clip are what a head gets to know of it: they are not taken out.

    Args:
        front_end: Arguments of `keras_reparam.audio.LogMel`.
    """

    layers, parameters, described = 1, 0, "log_mel"

    def __init__(self, front_end: Mapping[str, Any]):
        kept = {**front_end, "utterance_mean": False, "utterance_std": False}
        self._log_mel = LogMel(**kept)
        self.width = self._log_mel.num_mels
        text = json.dumps({**self._log_mel.get_config(), "name": ""}, sort_keys=True)
        self.digest = hashlib.sha256(text.encode()).hexdigest()[:12]

    def frames(self, samples: np.ndarray) -> np.ndarray:
        # Whole seconds: a backend that compiles for each shape does so a few times.
        padded = np.pad(samples, (0, -len(samples) % SAMPLE_RATE))[None]
        mask = keras.ops.convert_to_numpy(self._log_mel.compute_mask(padded))[0]
        values = keras.ops.convert_to_numpy(self._log_mel(padded))[0]
        return values[mask if mask.any() else slice(1)][None]
