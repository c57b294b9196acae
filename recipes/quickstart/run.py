"""The quickstart: the stages of the recipes, from the clips to the file on the phone."""

import csv
import dataclasses
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import keras
import numpy as np
from rich.console import Console
from rich.table import Table

import keras_reparam as kr
from keras_reparam._utils.environment import environment
from keras_reparam.audio import LogMel
from keras_reparam.deploy.conversion.saved_model import load_model
from recipes.common.corpus import Corpus
from recipes.common.deployment.card import named
from recipes.common.deployment.figures import cost_of
from recipes.common.deployment.fold import export_fold
from recipes.common.deployment.measured import Measured
from recipes.common.deployment.model_facts import ModelFacts, calibration_of, protocol_of
from recipes.common.files.folders import staged
from recipes.common.files.json_file import read_json, write_json
from recipes.common.files.rows import write_rows
from recipes.common.front_end import create_front_end
from recipes.common.manifest import manifest_hash
from recipes.common.names import (
    CARD,
    CONFIG,
    CONFUSION,
    CURVES,
    DEFAULT_KINDS,
    GOLDEN,
    HISTORY,
    LIGHT,
    METRICS,
    PREDICTIONS,
    RESULTS,
    TRAIN,
    TRAINING,
    file_name,
)
from recipes.common.protocol.fold import Example
from recipes.common.protocol.task import Task
from recipes.common.results.plots import plot_confusion
from recipes.common.scoring.waveform_model import WaveformModel
from recipes.common.scoring.windows import beginnings_of, in_batches
from recipes.common.store import build_store
from recipes.common.training.train import train_fold
from recipes.emodb.about import FACTS
from recipes.quickstart.corpus import Clips, load_clips
from recipes.quickstart.settings import MANIFEST, Settings

FILES = {kind: file_name(kind) for kind in DEFAULT_KINDS}
# Each form of the model, as the export calls it, by its name for the user and its file.
VARIANTS = {
    "Keras, in training": ("Keras, in training", TRAIN),
    "Keras, merged": ("Keras", LIGHT),
    "TFLite float32": ("float32", FILES["float32"]),
    "TFLite int8": ("int8", FILES["int8"]),
}
_KEPT = (TRAIN, LIGHT, *FILES.values(), CARD, GOLDEN, CURVES)


@dataclasses.dataclass(frozen=True)
class Run:
    """What a run of the quickstart gives.

    Attributes:
        folder: Where everything lies.
        metrics: The content of metrics.json.
    """

    folder: Path
    metrics: dict


def run(settings: Settings, folder: Path, *, console: Console) -> Run:
    """Trains, merges, exports, evaluates, and classifies one clip.

    Args:
        settings: The recipe.
        folder: Where the results go, all of them at the end.
        console: Where to report.

    Raises:
        ValueError: If the clips are not as they should be.
        OSError: If a file can't be read or written.
    """
    with staged(folder) as beside, tempfile.TemporaryDirectory(dir=beside) as work:
        work = Path(work)
        _stage(console, "1/5  Train, with HRF")
        clips = load_clips(settings)
        _report_clips(clips, console)
        corpus = _corpus(clips, settings, work / "store", console)
        train_fold(corpus, clips.fold, clips.task, settings, work, console)
        trained = read_json(work / TRAINING, dict[str, Any])

        _stage(console, "2/5  Merge: the light model back")
        whole, light = (WaveformModel(load_model(work / name)) for name in (TRAIN, LIGHT))
        merge = _merge_report(whole, light, corpus, clips.fold.validation)
        _print_summary(whole.backbone, console)
        console.print(
            f"{merge['training_parameters']:,} parameters in training, "
            f"{merge['merged_parameters']:,} merged. Largest difference of a logit on the "
            f"validation clips: {merge['difference']:.1e} (logits up to {merge['scale']:.1f})."
        )

        _stage(console, "3/5, 4/5  Export for the phone; evaluate on the speakers held out")
        exported = export_fold(
            work,
            model=light.model,
            fold=clips.fold,
            split="test",
            read=corpus.samples,
            task=clips.task,
            facts=_facts(trained, settings, clips.task),
            console=console,
            saved={name: work / file for name, file in VARIANTS.values() if name not in FILES},
        )
        forms = {name: exported[form] for name, (form, _) in VARIANTS.items()}
        metrics = _metrics(clips, trained, merge, forms)
        golden = read_json(work / RESULTS, dict[str, Any])["golden"]["clips"]
        for name in _KEPT:
            (work / name).rename(beside / name)
        _write(beside, settings, clips, light.log_mel, forms, metrics)
        _write_history(work / HISTORY, beside / HISTORY)

    _stage(console, "5/5  Classify a clip that the model has never heard, one of the clearest")
    tests = {example.id: example for example in clips.fold.tests["test"]}
    _classify(folder / FILES["int8"], tests[golden[0]], settings.data, console)
    _say_where(folder, console)
    return Run(folder, metrics)


def _corpus(clips: Clips, settings: Settings, store: Path, console: Console) -> Corpus:
    log_mel = create_front_end(settings)
    build_store(clips.segments, settings.data, store, log_mel=log_mel, console=console)
    return Corpus(store, log_mel)


def _command(settings: Settings) -> str:
    """What makes the same model again."""
    defaults = Settings()
    options = [
        f" --{name} {getattr(settings, name)}"
        for name in ("epochs", "expansion", "seed")
        if getattr(settings, name) != getattr(defaults, name)
    ]
    return f"python -m recipes.quickstart{''.join(options)}"


def _facts(trained: Mapping[str, Any], settings: Settings, task: Task) -> ModelFacts:
    told = (
        protocol_of(trained, settings, task),
        "The test clips were read by the last evaluation alone; settings were chosen on training "
        "and validation speakers.",
    )
    return ModelFacts(
        corpus=FACTS,
        size=settings.size,
        expansion=settings.expansion,
        training_parameters=trained["parameters"]["training"],
        protocol=" ".join(told),
        calibration=calibration_of(trained),
        command=_command(settings),
    )


def _stage(console: Console, title: str) -> None:
    console.print()
    console.print(f"[bold]{title}[/]", highlight=False)


def _shown(path: Path) -> str:
    """The path from here, if it lies below."""
    path, here = path.resolve(), Path.cwd()
    return str(path.relative_to(here)) if path.is_relative_to(here) else str(path)


def _report_clips(clips: Clips, console: Console) -> None:
    found = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
    purposes = {"train": "", "validation": "choose the epoch", "test": "are held out"}
    for name, examples in clips.fold.splits.items():
        found.add_row(name, named((e.speaker for e in examples), len(examples)), purposes[name])
    console.print(found, highlight=False)


def _print_summary(model: keras.Model, console: Console) -> None:
    """`kr.summary`; where its table would be cramped, the expanded layers alone."""
    found = kr.summary(model)
    expanded = tuple(row for row in found.rows if row.rank is not None)
    if console.width >= 100:
        console.print(found)
        return
    console.print(dataclasses.replace(found, rows=expanded))
    others = len(found.rows) - len(expanded)
    console.print(f"{others} other linear layers stay plain: `keras-reparam summary` lists them.")


def _merge_report(
    whole: WaveformModel, light: WaveformModel, corpus: Corpus, examples: Sequence[Example]
) -> dict:
    """Parameters, and how far the merged model's logits are from the trained one's."""
    waveforms = beginnings_of([corpus.samples(example) for example in examples], light.window)
    first, second = (
        in_batches(partial(model.model, training=False), waveforms) for model in (whole, light)
    )
    return {
        "training_parameters": int(whole.backbone.count_params()),
        "merged_parameters": int(light.backbone.count_params()),
        "difference": float(np.abs(first - second).max()),
        "scale": float(np.abs(first).max()),
    }


def _metrics(
    clips: Clips, trained: Mapping[str, Any], merge: dict, forms: Mapping[str, Measured]
) -> dict:
    first, *others = forms
    return {
        "labels": clips.task.names,
        "variants": {
            name: {
                "file": VARIANTS[name][1],
                "kind": form.name if form.name in FILES else "float32",
                **vars(form.results),
                **cost_of(form.latency),
            }
            for name, form in forms.items()
        },
        "max_absolute_error": {
            name: forms[name].max_absolute_error(forms[first]) for name in others
        },
        "merge": merge,
        "training": {
            "epochs": trained["epochs"],
            "chosen_epoch": trained["chosen_epoch"],
            "validation_ua": trained["validation"]["ua"],
            "seconds": trained["seconds"],
        },
        "environment": environment("keras", "tensorflow", "ai-edge-litert"),
    }


def _write(
    folder: Path,
    settings: Settings,
    clips: Clips,
    log_mel: LogMel,
    forms: Mapping[str, Measured],
    metrics: dict,
) -> None:
    splits = clips.fold.splits
    config = {
        **settings.model_dump(mode="json"),
        "backend": keras.config.backend(),
        "front_end": log_mel.get_config(),
        "front_end_statistics": {
            "of": "the training clips at their own speed",
            "mean": keras.ops.convert_to_numpy(log_mel.mean).tolist(),
            "std": keras.ops.convert_to_numpy(log_mel.std).tolist(),
        },
        "labels": clips.task.names,
        "manifest_sha256": manifest_hash(settings.data / MANIFEST),
        "clips": {name: len(examples) for name, examples in splits.items()},
        "speakers": {name: sorted({e.speaker for e in splits[name]}) for name in splits},
    }
    write_json(folder / CONFIG, config)
    write_json(folder / METRICS, metrics)
    _write_predictions(folder / PREDICTIONS, forms, clips.task.names)
    name, shown = list(forms.items())[-1]
    results = shown.results
    plot_confusion(
        folder / CONFUSION,
        results,
        clips.task.names,
        title=f"{name}: UA {results.ua:.1%}, WA {results.wa:.1%}",
        subtitle=f"{results.clips:,} clips of {FACTS.title}: "
        f"{results.speakers} speakers never heard in training",
    )


def _write_predictions(path: Path, forms: Mapping[str, Measured], labels: Sequence[str]) -> None:
    """One row per form and clip: what it is, what the model says, and the probabilities."""
    scores = [f"probability_{label}" for label in labels]
    columns = ("variant", "id", "speaker", "sex", "label", "prediction", *scores)
    rows = []
    for name, form in forms.items():
        found = form.predictions
        for i in range(len(found)):
            classes = (labels[found.truth[i]], labels[found.predicted[i]])
            about = (name, found.id[i], found.speaker[i], found.sex[i], *classes)
            row = (*about, *(f"{score:.6f}" for score in found.scores[i]))
            rows.append(dict(zip(columns, row, strict=True)))
    write_rows(path, columns, rows)


def _write_history(source: Path, target: Path) -> None:
    """Of what the training has noted, what there is to see."""
    with source.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    columns = ("epoch", "loss", "val_loss", "val_ua")
    write_rows(target, columns, ({name: row[name] for name in columns} for row in rows))


def _classify(model: Path, example: Example, data: Path, console: Console) -> None:
    """Runs the real command, in a process of its own, as a user would."""
    (segment,) = example.segments
    command = ["classify", "--model", _shown(model), _shown(data / segment.path)]
    console.print(f"[dim]$[/] keras-reparam {' '.join(command)}", highlight=False, soft_wrap=True)
    child = subprocess.run(
        [sys.executable, "-m", "keras_reparam", *command],
        env={**os.environ, "COLUMNS": str(console.width)},
        stdin=subprocess.DEVNULL,
        # A terminal stays one; what is no terminal (a test, a notebook) gets the text.
        stdout=None if console.is_terminal else subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    if child.returncode != 0:
        raise ValueError(f"`keras-reparam classify` failed: {child.stderr.strip()}")
    if child.stdout:
        console.out(child.stdout, end="", highlight=False)
    console.print(f"The actor's emotion was [bold]{segment.label}[/].", highlight=False)


def _say_where(folder: Path, console: Console) -> None:
    told = {
        FILES["int8"]: "for the phone: one file, waveform in, labels inside",
        FILES["float32"]: "the same, not quantized",
        LIGHT: "the merged model: plain Keras layers",
        TRAIN: "the model with HRF, to train on",
        METRICS: "every figure above, and more",
        PREDICTIONS: "the probabilities of every held-out clip",
        CONFUSION: "what is taken for what",
        CURVES: "how the training went; history.csv has the numbers",
        CONFIG: "the settings",
        CARD: "what the model is, and what it is not for",
        f"{GOLDEN}/": "six clips and the scores that every runtime must give",
    }
    console.print()
    console.print(f"[bold]Everything lies in {_shown(folder)}[/]", highlight=False)
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 2))
    table.add_column(no_wrap=True)
    table.add_column(style="dim")
    for row in told.items():
        table.add_row(*row)
    console.print(table, highlight=False)
    console.print()
    console.print("[bold]What next[/]")
    model = _shown(folder / FILES["int8"])
    for line in (
        f"Classify speech of your own:  keras-reparam classify --model {model} CLIP.wav",
        "Expand a model of your own:   docs/guides/expand.md",
        "Read how this was done:       recipes/README.md",
    ):
        console.print(f"  {line}", highlight=False, soft_wrap=True)
