"""Exports one trained model in every kind, and scores the held-out clips with each file."""

import dataclasses
from pathlib import Path

import numpy as np
from rich.console import Console

from keras_reparam.deploy import ExportReport
from keras_reparam.deploy.tflite.kinds import KINDS
from recipes.common import latency
from recipes.common.corpus import Corpus
from recipes.common.deployment.calibration import calibration_clips
from recipes.common.deployment.files import export_file
from recipes.common.names import FEATURES_IN
from recipes.common.protocol.fold import Fold
from recipes.common.protocol.task import Task
from recipes.common.scoring.examples import score_examples
from recipes.common.scoring.form import Form
from recipes.common.scoring.waveform_model import WaveformModel
from recipes.common.scoring.windows import in_batches

_ROUNDS = 200


@dataclasses.dataclass(frozen=True)
class Scores:
    """Probabilities `(clips, classes)` of one file and of Keras on the same input."""

    file: np.ndarray
    keras: np.ndarray


@dataclasses.dataclass(frozen=True)
class Measured:
    """One trained model: by kind its scores, the whole file and the backbone's own."""

    scores: dict[str, Scores]
    whole: dict[str, ExportReport]
    alone: dict[str, ExportReport]


def measure(
    model: WaveformModel,
    corpus: Corpus,
    fold: Fold,
    task: Task,
    folder: Path,
    console: Console,
    *,
    all_alone: bool,
) -> Measured:
    """Exports into `folder`, calibrated on training clips alone, and scores the held-out clips.

    Args:
        model: Merged: waveform to logits.
        corpus: Where the clips are read from.
        fold: Whose clips calibrate and are scored.
        task: What the model tells.
        folder: Where the files go.
        console: Where to report.
        all_alone: Whether to export the backbone alone in every kind, or where that is all there
            is.
    """
    clips = calibration_clips(fold.train, task, corpus.samples, model.window, console)
    calibration = {False: clips, True: in_batches(model.log_mel, clips)}

    def export(kind: str, *, features_in: bool) -> ExportReport:
        return export_file(
            model.backbone if features_in else model.model,
            folder / f"{kind}{'-backbone' if features_in else ''}.tflite",
            kind,
            calibration=calibration[features_in],
            task=task,
            texts={},
            console=console,
        )

    waveform_in = [kind for kind in KINDS if kind not in FEATURES_IN]
    whole = {kind: export(kind, features_in=False) for kind in waveform_in}
    alone = {
        kind: export(kind, features_in=True) for kind in KINDS if all_alone or kind in FEATURES_IN
    }
    keras = {
        f"Keras {features_in}": Form.of_keras(
            model.backbone if features_in else model.model, task, features_in=features_in
        )
        for features_in in (False, True)
    }
    files = {
        kind: Form.of_file((alone if kind in FEATURES_IN else whole)[kind].path,
                           features_in=kind in FEATURES_IN)
        for kind in KINDS
    }  # fmt: skip
    scored = score_examples(fold.tests["test"], corpus.samples, keras | files, model, console)
    found = scored.probabilities
    scores = {kind: Scores(found[kind], found[f"Keras {kind in FEATURES_IN}"]) for kind in KINDS}
    return Measured(scores, whole, alone)


def latencies(files: dict[str, ExportReport]) -> dict[str, dict[str, float]]:
    """Median milliseconds of each file and its ratio to the first; interleaved, one thread."""
    found = latency.measure({k: report.path for k, report in files.items()}, rounds=_ROUNDS)
    first = next(iter(found.values()))
    return {
        kind: {"milliseconds": row.median, "ratio": row.median / first.median}
        for kind, row in found.items()
    }
