"""Exports one trained model in every kind, and scores the held-out clips with each file."""

import dataclasses
from pathlib import Path

import keras
import numpy as np
from rich.console import Console

import keras_reparam as kr
from keras_reparam.audio import LogMel
from keras_reparam.deploy.export import KINDS
from keras_reparam.deploy.progress import track
from keras_reparam.deploy.runtime import Runtime
from recipes.common import latency
from recipes.common.deployment.names import FEATURES_IN
from recipes.common.scores import (
    beginnings_of,
    in_batches,
    mean_scores,
    scores_of_windows,
    weights_of,
    windows_of,
)

_ROUNDS = 200


@dataclasses.dataclass(frozen=True)
class Scores:
    """Probabilities `(clips, classes)` of one file and of Keras on the same input."""

    file: np.ndarray
    keras: np.ndarray


@dataclasses.dataclass(frozen=True)
class Export:
    """One file: its bytes, and the share of int8 in the bytes of the backbone's weights."""

    path: Path
    size: int
    int8_share: float


@dataclasses.dataclass(frozen=True)
class Measured:
    """One trained model: by kind its scores, the whole file and the backbone's own."""

    scores: dict[str, Scores]
    whole: dict[str, Export]
    alone: dict[str, Export]


def measure(
    model: keras.Model,
    training: list[np.ndarray],
    held_out: list[np.ndarray],
    labels: tuple[str, ...],
    folder: Path,
    console: Console,
    *,
    all_alone: bool,
) -> Measured:
    """Exports into `folder`, calibrated on training clips alone, and scores the held-out clips.

    Args:
        model: Merged: waveform to logits.
        training: Waveforms that calibrate.
        held_out: Waveforms to score, each as the mean over its windows.
        labels: Class names.
        folder: Where the files go.
        console: Where to report.
        all_alone: Whether to export the backbone alone in every kind, or where that is all there
            is.
    """
    (log_mel,) = (layer for layer in model.layers if isinstance(layer, LogMel))
    backbone = model.layers[-1]
    size = model.input_shape[1]
    calibration = beginnings_of(training, size)
    windows, owners = windows_of(held_out, size)
    weights = weights_of(windows)
    inputs = {False: windows, True: in_batches(log_mel, windows)}
    reference = {
        False: scores_of_windows(model, windows, owners, weights),
        True: scores_of_windows(backbone, inputs[True], owners, weights),
    }
    data = {False: calibration, True: in_batches(log_mel, calibration)}
    scores, whole, alone = {}, {}, {}
    for kind in KINDS:
        features_in = kind in FEATURES_IN
        if not features_in:
            path = folder / f"{kind}.tflite"
            whole[kind] = _export(model, path, kind, data[False], labels, console)
        if features_in or all_alone:
            path = folder / f"{kind}-backbone.tflite"
            alone[kind] = _export(backbone, path, kind, data[True], labels, console)
        path = (alone if features_in else whole)[kind].path
        runtime = Runtime(path.read_bytes(), origin=f"'{path}'")
        todo = track(inputs[features_in], f"Scoring clips, {kind}", console)
        found = np.stack([runtime(window) for window in todo])
        scores[kind] = Scores(mean_scores(found, owners, weights), reference[features_in])
    return Measured(scores, whole, alone)


def _export(
    model: keras.Model,
    path: Path,
    kind: str,
    data: np.ndarray,
    labels: tuple[str, ...],
    console: Console,
) -> Export:
    with console.status(f"Exporting {path.parent.name}/{path.name}"):
        report = kr.export_tflite(
            model,
            path,
            quantization=kind,
            representative_data=data if kind.startswith("int8") else None,
            labels=labels,
        )
    total = sum(report.weights.values())
    return Export(path, report.size, report.weights.get("int8", 0) / total)


def latencies(files: dict[str, Path]) -> dict[str, dict[str, float]]:
    """Median milliseconds of each file and its ratio to the first; interleaved, one thread."""
    found = latency.measure(list(files.values()), rounds=_ROUNDS)
    return {
        kind: {"milliseconds": row.median, "ratio": row.median / found[0].median}
        for kind, row in zip(files, found, strict=True)
    }
