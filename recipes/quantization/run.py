"""The recipe's stages: train every backbone on every fold, export, score, compare."""

import csv
import dataclasses
import json
from pathlib import Path

import numpy as np
from rich.console import Console

import keras_reparam as kr
from keras_reparam.audio import LogMel
from keras_reparam.benchmarks.environment import environment
from keras_reparam.deploy.saved_model import load_model
from recipes.common.features import features_at_speeds
from recipes.common.files.folders import staged
from recipes.common.manifest import manifest_hash
from recipes.quantization.corpus import Corpus, load_corpus, manifest_of
from recipes.quantization.measurement import Measured, latencies, measure
from recipes.quantization.report import (
    Bar,
    Row,
    bars,
    markdown_of,
    missed,
    rows_of,
    tables_of,
    write_csv,
)
from recipes.quantization.settings import Settings
from recipes.quantization.training import HISTORY, MODEL, train

CONFIG = "config.json"


def run(settings: Settings, out: Path, console: Console) -> list[tuple[Row, Bar]]:
    """Trains what is not there yet, measures everything, and writes the results into `out`.

    Returns:
        The bars that are missed.

    Raises:
        ValueError: If the clips are not as they should be, or `out` holds another run's models.
        OSError: If a file can't be read or written.
    """
    for name in settings.backbones:
        if name not in kr.models.list():
            raise ValueError(
                f"`backbones` must be among {', '.join(kr.models.list())}. Received: {name!r}"
            )
    config = _config(settings)
    _check_models(out, config)
    corpus = load_corpus(settings, console)
    console.print(_protocol(settings, corpus), highlight=False)
    with staged(out) as beside:
        (beside / CONFIG).write_text(json.dumps(config, indent=1) + "\n", encoding="utf-8")
    _train_missing(corpus, settings, out, console)
    rows, scores = [], {}
    for backbone in settings.backbones:
        found, scores[backbone] = _measure(backbone, corpus, settings, out, console)
        rows += found
    machine = environment("keras", "tensorflow", "ai-edge-litert")
    asked = bars(machine["cpu"])
    told = ", ".join(f"{key} {value}" for key, value in machine.items())
    for table in tables_of(rows, asked, told):
        console.print(table)
    lacking = missed(rows, asked)
    for row, bar in lacking:
        console.print(f"Missed by {row.backbone}, {row.kind}: {bar.text}", highlight=False)
    with staged(out) as beside:
        _write(beside, settings, corpus, rows, scores, asked, machine)
        text = markdown_of(rows, asked, told, _protocol(settings, corpus))
        (beside / "results.md").write_text(text, encoding="utf-8")
    console.print(f"Tables, models and files lie in {out}", highlight=False)
    return lacking


def _folder(out: Path, backbone: str, fold: int) -> Path:
    return out / f"{backbone}-fold{fold + 1}"


def _config(settings: Settings) -> dict:
    """What a trained model depends on, as JSON types."""
    manifest = manifest_of(settings.data)
    config = settings.model_dump(mode="json")
    # Neither changes how a model is trained.
    del config["backbones"], config["data"]
    config["manifest_sha256"] = manifest_hash(manifest)
    return config


def _check_models(out: Path, config: dict) -> None:
    """Refuses a folder with models that were trained otherwise."""
    path = out / CONFIG
    if not path.is_file():
        return
    before = json.loads(path.read_text(encoding="utf-8"))
    other = [key for key in config if before.get(key) != config[key]]
    if other:
        raise ValueError(
            f"'{out}' holds models trained with another {', '.join(other)}. Give another --out or "
            "delete that folder."
        )


def _protocol(settings: Settings, corpus: Corpus) -> str:
    folds = "; ".join(", ".join(speakers) for speakers in corpus.folds)
    return (
        f"{len(corpus.clips)} clips, {len(corpus.labels)} emotions. Speakers held out in turn: "
        f"{folds}. HRF expansion {settings.expansion}, merged; {settings.epochs} epochs, the last "
        "one is kept: no speaker validates. Calibrated on training clips alone."
    )


def _train_missing(corpus: Corpus, settings: Settings, out: Path, console: Console) -> None:
    todo = [
        (backbone, fold)
        for backbone in settings.backbones
        for fold in range(settings.folds)
        if not (_folder(out, backbone, fold) / MODEL).is_file()
    ]
    if not todo:
        return
    features = features_at_speeds(corpus.clips, LogMel(), settings.speeds, console)
    for backbone, fold in todo:
        folder = _folder(out, backbone, fold)
        train(corpus, features, backbone, fold, settings, folder, console)
        history = json.loads((folder / HISTORY).read_text(encoding="utf-8"))
        console.print(
            f"{backbone}, fold {fold + 1}: {history['clips']} clips, {settings.epochs} epochs in "
            f"{history['seconds']:.0f} s, loss {history['loss'][-1]:.2f}",
            highlight=False,
        )


def _measure(
    backbone: str, corpus: Corpus, settings: Settings, out: Path, console: Console
) -> tuple[list[Row], list[Measured]]:
    folds, truth = [], []
    for fold in range(settings.folds):
        folder = _folder(out, backbone, fold)
        held_out = corpus.held_out(fold)
        truth += [corpus.clips[i].label for i in held_out]
        folds.append(
            measure(
                load_model(folder / MODEL),
                [corpus.clips[i].samples for i in corpus.training(fold)],
                [corpus.clips[i].samples for i in held_out],
                corpus.labels,
                folder,
                console,
                all_alone=fold == 0,
            )
        )
    with console.status(f"Measuring the time of an inference, {backbone}"):
        times = [
            latencies({kind: export.path for kind, export in exports.items()})
            for exports in (folds[0].whole, folds[0].alone)
        ]
    rows = rows_of(backbone, folds, np.array(truth), *times)
    # A long run shows what it has.
    for row in rows:
        console.print(
            f"{backbone} {row.kind}: UA {row.ua:.1%} (Keras {row.keras_ua:.1%}), same class "
            f"{row.agreement:.1%}, worst {row.worst:.1e}",
            highlight=False,
        )
    return rows, folds


def _write(
    folder: Path,
    settings: Settings,
    corpus: Corpus,
    rows: list[Row],
    scores: dict[str, list[Measured]],
    asked: tuple[Bar, ...],
    machine: dict,
) -> None:
    content = {
        "protocol": _protocol(settings, corpus),
        "labels": list(corpus.labels),
        "folds": [list(speakers) for speakers in corpus.folds],
        "environment": machine,
        "bars": [
            {
                **dataclasses.asdict(bar),
                "missed": [[r.backbone, r.kind] for r in rows if bar.met(r) is False],
            }
            for bar in asked
        ],
        "rows": [{**dataclasses.asdict(row), "drop": row.drop} for row in rows],
    }
    text = json.dumps(content, indent=1, ensure_ascii=False) + "\n"
    (folder / "results.json").write_text(text, encoding="utf-8")
    write_csv(folder / "results.csv", rows)
    _write_predictions(folder / "predictions.csv", corpus, scores)


def _write_predictions(path: Path, corpus: Corpus, scores: dict[str, list[Measured]]) -> None:
    """The probabilities of every held-out clip by every file, and by Keras."""
    head = ("backbone", "fold", "kind", "id", "speaker", "label")
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        columns = [f"{by}_{label}" for by in ("file", "keras") for label in corpus.labels]
        writer.writerow([*head, *columns])
        for backbone, folds in scores.items():
            for fold, measured in enumerate(folds):
                clips = [corpus.clips[i].segment for i in corpus.held_out(fold)]
                for kind, found in measured.scores.items():
                    both = np.concatenate([found.file, found.keras], axis=1)
                    for clip, values in zip(clips, both, strict=True):
                        about = (backbone, fold + 1, kind, clip.id, clip.speaker, clip.label)
                        writer.writerow([*about, *(f"{value:.6f}" for value in values)])
