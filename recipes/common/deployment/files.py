"""Exports one file of a deployment."""

from collections.abc import Mapping
from pathlib import Path

import keras
import numpy as np
from rich.console import Console

import keras_reparam as kr
from keras_reparam.deploy import ExportReport
from keras_reparam.deploy.tflite.kinds import CALIBRATED
from recipes.common.protocol.task import Task


def export_file(
    model: keras.Model,
    path: Path,
    kind: str,
    *,
    calibration: np.ndarray,
    task: Task,
    texts: Mapping[str, str],
    unsure_below: float = 0.0,
    console: Console,
) -> ExportReport:
    """Writes the `.tflite` file of one kind.

    Args:
        model: Merged: waveform or features to logits.
        path: The file.
        kind: Quantization kind.
        calibration: Inputs of training clips, for the kinds that need any.
        task: What the model tells.
        texts: `name`, `description` and `license`, which the file holds.
        unsure_below: An answer of less probability is unsure.
        console: Where to report.
    """
    with console.status(f"Exporting {path.name}"):
        return kr.export_tflite(
            model,
            path,
            quantization=kind,
            representative_data=calibration if kind in CALIBRATED else None,
            **task.export_options,
            unsure_below=unsure_below,
            version=kr.__version__,
            **texts,
        )
