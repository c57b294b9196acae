"""What comes with the package: a model, and clips of real speech."""

from contextlib import AbstractContextManager
from importlib import resources
from pathlib import Path

import numpy as np


def shipped_files() -> AbstractContextManager[Path]:
    """The folder of `ser_int8.tflite`, `ser_float32.tflite` and `golden`, within a `with` block."""
    return resources.as_file(resources.files("keras_reparam") / "pretrained")


def golden_clips(window: int, sample_rate: int) -> np.ndarray:
    """The clips, `(clips, window)`, zeros after those that are shorter."""
    # Here, since the model alone needs no audio library.
    from keras_reparam.audio.clip_listing import load_clips

    with shipped_files() as folder:
        return load_clips(folder / "golden", window=window, sample_rate=sample_rate)
