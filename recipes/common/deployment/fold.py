"""The export stage of a run: the files of one fold's model, each with its own accuracy."""

import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Literal

import keras
import numpy as np
from rich.console import Console

from keras_reparam._utils.environment import described, environment
from keras_reparam.deploy import write_model_card
from keras_reparam.deploy.conversion.convert import converted_once
from keras_reparam.deploy.conversion.saved_model import load_model
from keras_reparam.deploy.tflite.kinds import CALIBRATED, KINDS
from recipes.common.deployment.calibration import calibration_clips
from recipes.common.deployment.card import model_card, texts_in_file, unit_of
from recipes.common.deployment.figures import cost_of
from recipes.common.deployment.files import export_file
from recipes.common.deployment.golden import golden_of
from recipes.common.deployment.measured import Measured, measured_forms
from recipes.common.deployment.model_facts import ModelFacts
from recipes.common.deployment.report import export_table
from recipes.common.files.folders import staged
from recipes.common.files.json_file import write_json
from recipes.common.latency import measure
from recipes.common.names import (
    CARD,
    DEFAULT_KINDS,
    FEATURES_IN,
    GOLDEN,
    RESULTS,
    file_name,
    predictions_name,
)
from recipes.common.protocol.fold import Example, Fold
from recipes.common.protocol.task import Task
from recipes.common.results.predictions import write_predictions
from recipes.common.scoring.examples import score_examples
from recipes.common.scoring.form import Form
from recipes.common.scoring.waveform_model import WaveformModel
from recipes.common.scoring.windows import in_batches

# Keras on waveforms, and on what `int8_full` takes: features without a mask.
_KERAS = {False: "Keras", True: "Keras, no mask"}


def export_fold(
    folder: Path,
    *,
    model: keras.Model,
    fold: Fold,
    split: str,
    read: Callable[[Example], np.ndarray],
    task: Task,
    facts: ModelFacts,
    console: Console,
    kinds: Sequence[str] = DEFAULT_KINDS,
    rule: Literal["mean", "vote"] = "mean",
    saved: Mapping[str, Path] | None = None,
) -> dict[str, Measured]:
    """Writes the files of deployment into a fold's folder, all of them at the end.

    They are `ser_<kind>.tflite` and `predictions-<kind>.csv` of every kind; `golden/`, where the
    window is at most four seconds; `MODEL_CARD.md`; and `export.json` with what was measured.
    What a former export wrote and this one doesn't is removed; other files stay.

    Quantized files are calibrated on clips of `fold.train` alone. Each file is scored on all
    examples of `fold.tests[split]`, which are read one at a time.

    Args:
        folder: The fold's folder.
        model: Merged: waveform to logits. A backbone that takes whole interviews, or any length,
            gets a shorter window first (`static_model.with_frames`).
        fold: Who trained, validated and tests.
        split: A name of `fold.tests`.
        read: Gives an example's waveform: mono, float, at the model's sample rate, any length.
        task: What the model tells.
        facts: What the card says besides.
        console: Where to report.
        kinds: Of `keras_reparam.export_tflite`. `int8_full` is that of the backbone alone, and
            scored on features.
        rule: How the examples of a decision become one, as in `decide`.
        saved: Saved Keras models by name, waveform to logits, that are scored and measured beside
            the files; `"Keras"` is `model`.

    Returns:
        What was measured of every form, by its name.

    Raises:
        ValueError: If an argument is not as described, or a waveform.
        OSError: If a file can't be read or written.
    """
    kinds, saved = _checked_kinds(kinds), saved or {}
    if split not in fold.tests:
        raise ValueError(
            f"`split` must be one of {', '.join(fold.tests)}. Received: split={split!r}"
        )
    whole = _checked_model(model, task)
    examples = fold.tests[split]
    with staged(folder) as beside:
        clips = None
        if set(kinds) & set(CALIBRATED):
            clips = calibration_clips(fold.train, task, read, whole.window, console)
        files = _export(whole, beside, kinds, clips, task, facts, console)
        scored = score_examples(examples, read, _forms(whole, files, saved, task), whole, console)
        paths = {**saved, **files}
        with console.status("Measuring the time of an inference"):
            latencies = measure(paths)
        about = (scored.probabilities, fold, split, task)
        forms = measured_forms(*about, notes=facts.notes, rule=rule, latencies=latencies)
        for kind in kinds:
            write_predictions(beside / predictions_name(kind), forms[kind].predictions)
        rate = whole.log_mel.sample_rate
        golden, why_not = golden_of(
            examples,
            task,
            read,
            scored,
            files,
            folder=beside / GOLDEN,
            window=whole.window,
            sample_rate=rate,
        )
        machine = environment("keras", "tensorflow", "ai-edge-litert")
        calibrated = 0 if clips is None else len(clips)
        content = {
            "fold": fold.name,
            "split": split,
            "clips": len(examples),
            "silent_clips": int((scored.peaks == 0).sum()),
            "window": whole.window,
            "sample_rate": rate,
            "calibration_clips": calibrated,
            "golden": {"clips": golden, "why_none": why_not},
            "keras": forms[_KERAS[False]].results,
            "files": {kind: _figures(forms, kind, files[kind].name) for kind in kinds},
            "environment": machine,
        }
        write_json(beside / RESULTS, content)
        card = model_card(
            whole,
            fold,
            split,
            task,
            list(forms.values()),
            facts,
            kinds=kinds,
            rule=rule,
            calibrated=calibrated,
            golden=bool(golden),
            machine=described(machine),
        )
        write_model_card(beside / CARD, card)
        written = {path.name for path in beside.iterdir()}
    _remove_former(folder, written)
    _report(forms, examples, content, console)
    return forms


def _checked_kinds(kinds: Sequence[str]) -> tuple[str, ...]:
    if isinstance(kinds, str) or not kinds or set(kinds) - set(KINDS):
        raise ValueError(
            f"`kinds` must be a list of some of {', '.join(KINDS)}. Received: kinds={kinds!r}"
        )
    return tuple(kind for kind in KINDS if kind in kinds)


def _checked_model(model: keras.Model, task: Task) -> WaveformModel:
    found = WaveformModel(model)
    if found.num_classes != len(task.names):
        raise ValueError(
            f"`labels` must name each of the model's {found.num_classes} classes. "
            f"Received: labels={list(task.names)}"
        )
    return found


def _export(
    model: WaveformModel,
    folder: Path,
    kinds: Sequence[str],
    clips: np.ndarray | None,
    task: Task,
    facts: ModelFacts,
    console: Console,
) -> dict[str, Path]:
    """The files by kind."""
    files = {}
    with converted_once():
        for kind in kinds:
            features_in = kind in FEATURES_IN
            files[kind] = folder / file_name(kind)
            export_file(
                model.backbone if features_in else model.model,
                files[kind],
                kind,
                calibration=in_batches(model.log_mel, clips) if features_in else clips,
                task=task,
                texts=texts_in_file(model, facts, task),
                unsure_below=0.0 if facts.calibration is None else facts.calibration.unsure_below,
                console=console,
            )
    return files


def _forms(
    model: WaveformModel, files: Mapping[str, Path], saved: Mapping[str, Path], task: Task
) -> dict[str, Form]:
    """Saved models, Keras on all that any file takes, then the files."""
    inputs = {False, *(kind in FEATURES_IN for kind in files)}
    models = {False: model.model, True: model.backbone}
    others = {name: path for name, path in saved.items() if name not in _KERAS.values()}
    return {
        **{n: Form.of_keras(load_model(p), task, features_in=False) for n, p in others.items()},
        **{_KERAS[i]: Form.of_keras(models[i], task, features_in=i) for i in sorted(inputs)},
        **{k: Form.of_file(file, features_in=k in FEATURES_IN) for k, file in files.items()},
    }


def _reference(kind: str) -> str:
    """The form of Keras that takes what a file takes."""
    return _KERAS[kind in FEATURES_IN]


def _figures(forms: Mapping[str, Measured], kind: str, file: str) -> dict:
    """What `export.json` says of a file."""
    found, reference = forms[kind], forms[_reference(kind)]
    return {
        "file": file,
        "input": "features" if kind in FEATURES_IN else "waveform",
        **cost_of(found.latency),
        "top1_agreement": found.top1_agreement(reference),
        "max_absolute_error": found.max_absolute_error(reference),
        "results": found.results,
    }


def _remove_former(folder: Path, written: set[str]) -> None:
    """Removes a former export's files, of kinds that were not asked for again."""
    for kind in KINDS:
        for name in {file_name(kind), predictions_name(kind)} - written:
            (folder / name).unlink(missing_ok=True)
    if GOLDEN not in written:
        shutil.rmtree(folder / GOLDEN, ignore_errors=True)


def _report(
    forms: Mapping[str, Measured], examples: Sequence[Example], content: dict, console: Console
) -> None:
    results = next(iter(forms.values())).results
    tested = f"{results.clips:,} {unit_of(examples)} of {results.speakers:,} speakers"
    notes = [
        f"{results.in_words}; top-1 agreement, max error of a score: with Keras.",
        f"ms: a window on one thread of {content['environment']['cpu']}.",
    ]
    if content["calibration_clips"]:
        notes.append(f"Calibrated on {content['calibration_clips']} training clips.")
    if content["silent_clips"]:
        notes.append(f"Digital silence: {content['silent_clips']} clips.")
    if content["golden"]["why_none"]:
        notes.append(f"No golden vectors: {content['golden']['why_none']}.")
    pairs = [
        (form, forms[_reference(name)] if name in content["files"] else None)
        for name, form in forms.items()
    ]
    console.print(
        export_table(pairs, title=f"{content['split']}: {tested}", notes=[*notes, *results.notes])
    )
