"""Exports one file of a deployment."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import keras
import numpy as np
from rich.console import Console

import keras_reparam as kr
from keras_reparam.deploy import ExportReport
from keras_reparam.deploy.tflite.kinds import CALIBRATED


def export_file(
    model: keras.Model,
    path: Path,
    kind: str,
    *,
    calibration: np.ndarray,
    labels: Sequence[str],
    texts: Mapping[str, str],
    console: Console,
) -> ExportReport:
    """Writes the `.tflite` file of one kind.

    Args:
        model: Merged: waveform or features to logits.
        path: The file.
        kind: Quantization kind.
        calibration: Inputs of training clips, for the kinds that need any.
        labels: Class names.
        texts: `name`, `description` and `license`, which the file holds.
        console: Where to report.
    """
    with console.status(f"Exporting {path.name}"):
        return kr.export_tflite(
            model,
            path,
            quantization=kind,
            representative_data=calibration if kind in CALIBRATED else None,
            labels=labels,
            version=kr.__version__,
            **texts,
        )
