"""One form of a model: Keras or a `.tflite` file, waveform or features in."""

import dataclasses
from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np

from keras_reparam.deploy.runtime.runtime import Runtime
from recipes.common.protocol.task import Task


@dataclasses.dataclass(frozen=True)
class Form:
    """What a form takes, and the scores `(batch, outputs)` that it gives.

    Attributes:
        features_in: Whether it takes features, without a mask, in place of waveforms.
        scores: Gives the scores of a batch.
    """

    features_in: bool
    scores: Callable[[np.ndarray], np.ndarray]

    @classmethod
    def of_keras(cls, model: keras.Model, task: Task, *, features_in: bool) -> "Form":
        """The form of a trained model of a task."""

        def scores(batch: np.ndarray) -> np.ndarray:
            return task.scores(keras.ops.convert_to_numpy(model(batch, training=False)))

        return cls(features_in, scores)

    @classmethod
    def of_file(cls, path: Path, *, features_in: bool) -> "Form":
        """The form of a `.tflite` file, on one thread."""
        runtime = Runtime(path.read_bytes(), origin=f"'{path}'")
        return cls(features_in, lambda batch: np.stack([runtime(example) for example in batch]))
