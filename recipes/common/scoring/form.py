"""One form of a model: Keras or a `.tflite` file, waveform or features in."""

import dataclasses
from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np

from keras_reparam.deploy.runtime.runtime import Runtime
from keras_reparam.deploy.tflite.softmax_head import SoftmaxHead


@dataclasses.dataclass(frozen=True)
class Form:
    """What a form takes, and the probabilities `(batch, classes)` that it gives.

    Attributes:
        features_in: Whether it takes features, without a mask, in place of waveforms.
        scores: Gives the probabilities of a batch.
    """

    features_in: bool
    scores: Callable[[np.ndarray], np.ndarray]

    @classmethod
    def of_keras(cls, model: keras.Model, *, features_in: bool) -> "Form":
        """The form of a model with logits."""

        def scores(batch: np.ndarray) -> np.ndarray:
            logits = keras.ops.convert_to_numpy(model(batch, training=False))
            return SoftmaxHead().scores(logits)

        return cls(features_in, scores)

    @classmethod
    def of_file(cls, path: Path, *, features_in: bool) -> "Form":
        """The form of a `.tflite` file, on one thread."""
        runtime = Runtime(path.read_bytes(), origin=f"'{path}'")
        return cls(features_in, lambda batch: np.stack([runtime(example) for example in batch]))
