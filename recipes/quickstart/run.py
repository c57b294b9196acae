"""The quickstart's stages, from the clips to the file on the phone."""

import csv
import dataclasses
import json
import os
import subprocess
import sys
from functools import partial
from pathlib import Path

import keras
import numpy as np
from rich.console import Console
from rich.table import Table

import keras_reparam as kr
from keras_reparam.benchmarks.environment import environment
from recipes.common.deployment.card import named
from recipes.common.deployment.figures import cost_of
from recipes.common.deployment.files import export_file
from recipes.common.deployment.names import CARD, GOLDEN
from recipes.common.features import Clip
from recipes.common.files.folders import staged
from recipes.common.latency import measure
from recipes.common.manifest import manifest_hash
from recipes.common.results.plots import plot_confusion, plot_curves
from recipes.common.scores import beginnings_of, in_batches
from recipes.quickstart.corpus import Corpus, load_corpus
from recipes.quickstart.evaluation import (
    Variant,
    evaluate_variants,
    table_of,
    write_predictions,
)
from recipes.quickstart.package import (
    FILES,
    golden_clips,
    install,
    write_package,
)
from recipes.quickstart.settings import Settings
from recipes.quickstart.training import Trained, train

VARIANTS = {
    "Keras, in training": "train.keras",
    "Keras, merged": "light.keras",
    "TFLite float32": FILES["float32"],
    "TFLite int8": FILES["int8"],
}


@dataclasses.dataclass(frozen=True)
class Run:
    """What a run of the quickstart gives.

    Attributes:
        folder: Where everything lies.
        metrics: The content of metrics.json.
        installed: Where the shipped model lies, if it was replaced.
    """

    folder: Path
    metrics: dict
    installed: Path | None


def run(settings: Settings, folder: Path, *, install_model: bool = False, console: Console) -> Run:
    """Trains, merges, exports, evaluates, and classifies one clip.

    Args:
        settings: The recipe.
        folder: Where the results go, all of them at the end.
        install_model: Whether the result becomes the model that comes with the package.
        console: Where to report.

    Raises:
        ValueError: If the clips are not as they should be, or the model to install is not good
            enough.
        OSError: If a file can't be read or written.
    """
    with staged(folder) as beside:
        _stage(console, 1, "Train, with HRF")
        corpus = load_corpus(settings, console)
        _report_corpus(corpus, console)
        trained = train(corpus, settings, console)
        chosen = trained.history[trained.chosen - 1]
        console.print(
            f"{settings.epochs} epochs in {trained.seconds:.0f} s. Kept is epoch {trained.chosen}: "
            f"UA {chosen['val_ua']:.1%} on the speakers who validate."
        )

        _stage(console, 2, "Merge: the light model back")
        light = kr.merge(trained.backbone)
        merge = _merge_report(trained, light)
        _print_summary(trained.backbone, console)
        console.print(
            f"{merge['training_parameters']:,} parameters in training, "
            f"{merge['merged_parameters']:,} merged. Largest difference of a logit on the "
            f"validation clips: {merge['difference']:.1e} (logits up to {merge['scale']:.1f})."
        )

        _stage(console, 3, "Export for the phone: waveform in, probabilities out")
        models = {
            "Keras, in training": kr.models.with_front_end(trained.backbone, trained.log_mel),
            "Keras, merged": kr.models.with_front_end(light, trained.log_mel),
        }
        for name, model in models.items():
            model.save(beside / VARIANTS[name])
        _export(models["Keras, merged"], corpus, beside, console)

        _stage(console, 4, "Evaluate on the speakers held out")
        files = {name: beside / file for name, file in VARIANTS.items()}
        variants = evaluate_variants(models, files, corpus)
        with console.status("Measuring the time of an inference"):
            latencies = measure(list(files.values()))
        machine = environment("keras", "tensorflow", "ai-edge-litert")
        console.print(table_of(variants, latencies, len(_speakers(corpus.test))))
        console.print(f"[dim]One thread of {machine['cpu']}[/]", highlight=False)
        metrics = _metrics(settings, corpus, trained, merge, variants, latencies, machine)
        _write(beside, settings, corpus, trained, variants, metrics)
        facts = {
            "window": settings.frames * trained.log_mel.hop_length,
            "chosen": trained.chosen,
            "epochs": settings.epochs,
            "expansion": settings.expansion,
            "machine": ", ".join(f"{k} {v}" for k, v in machine.items()),
            "command": _command(settings),
            **merge,
        }
        write_package(beside, corpus, variants, latencies, facts)

    _stage(console, 5, "Install as the model that comes with the package")
    installed = None
    if install_model:
        installed = install(folder, corpus, variants)
        console.print(f"Installed in {_shown(installed)}.", highlight=False)
    else:
        console.print("Not asked for; --install does it.")

    _stage(console, 6, "Classify a clip that the model has never heard, one of the clearest")
    first = next(iter(golden_clips(corpus, variants[-1].probabilities, facts["window"])))
    clip = next(clip for clip in corpus.test if clip.segment.id == first)
    _classify(folder / FILES["int8"], clip, settings, console)
    _say_where(folder, console)
    return Run(folder, metrics, installed)


def _command(settings: Settings) -> str:
    """What makes the same model again."""
    defaults = Settings()
    options = [
        f" --{name} {getattr(settings, name)}"
        for name in ("epochs", "expansion", "seed")
        if getattr(settings, name) != getattr(defaults, name)
    ]
    crema_d = "" if settings.crema_d is None else " --crema-d DIR"
    return f"python -m recipes.quickstart{crema_d}{''.join(options)} --install"


def _speakers(clips: list[Clip]) -> list[str]:
    return sorted({clip.segment.speaker for clip in clips})


def _names(corpus: Corpus) -> str:
    return " and ".join(source.title for source in corpus.sources)


def _stage(console: Console, number: int, title: str) -> None:
    console.print()
    console.print(f"[bold]{number}/6  {title}[/]", highlight=False)


def _shown(path: Path) -> str:
    """The path from here, if it lies below."""
    path, here = path.resolve(), Path.cwd()
    return str(path.relative_to(here)) if path.is_relative_to(here) else str(path)


def _report_corpus(corpus: Corpus, console: Console) -> None:
    found = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
    purposes = {"train": "", "validation": "choose the epoch", "test": "are held out"}
    for name, clips in corpus.splits().items():
        who = named((clip.segment.speaker for clip in clips), len(clips))
        found.add_row(name, who, purposes[name])
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


def _merge_report(trained: Trained, light: keras.Model) -> dict:
    """Parameters, and how far the merged model's logits are from the trained one's."""
    first, second = (
        in_batches(partial(_logits, model), *trained.validation)
        for model in (trained.backbone, light)
    )
    return {
        "training_parameters": int(trained.backbone.count_params()),
        "merged_parameters": int(light.count_params()),
        "difference": float(np.abs(first - second).max()),
        "scale": float(np.abs(first).max()),
    }


def _logits(model: keras.Model, features: np.ndarray, mask: np.ndarray):
    return model(features, mask=mask, training=False)


def _export(model: keras.Model, corpus: Corpus, folder: Path, console: Console) -> None:
    calibration = beginnings_of([clip.samples for clip in corpus.train], model.input_shape[1])
    languages = " and ".join(f"{s.title} ({s.language}, acted)" for s in corpus.sources)
    texts = {
        "name": "Speech emotion recognition, four classes",
        "description": (
            f"Light ConvTransformer trained with HRF on {languages}. Mono waveform in, "
            "probabilities out."
        ),
        "licence": "Apache-2.0",
    }
    for kind, name in FILES.items():
        report = export_file(
            model,
            folder / name,
            kind,
            calibration=calibration,
            labels=corpus.labels,
            texts=texts,
            console=console,
        )
    rows = [("file", report.path.name), *(row for row in report.rows if row[0] != "file")]
    found = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
    found.add_column(style="dim", no_wrap=True)
    found.add_column(overflow="fold")
    for row in rows:
        found.add_row(*row)
    console.print(found, highlight=False)


def _metrics(settings, corpus, trained, merge, variants, latencies, machine) -> dict:
    chosen = trained.history[trained.chosen - 1]
    return {
        "labels": list(corpus.labels),
        "variants": {
            variant.name: {
                "file": variant.file.name,
                "kind": variant.kind,
                **dataclasses.asdict(variant.metrics),
                "by_sex": {s: dataclasses.asdict(m) for s, m in variant.by_sex.items()},
                "by_corpus": {t: dataclasses.asdict(m) for t, m in variant.by_source.items()},
                **cost_of(latency),
            }
            for variant, latency in zip(variants, latencies, strict=True)
        },
        "largest_difference": _differences(variants),
        "merge": merge,
        "training": {
            "epochs": settings.epochs,
            "chosen_epoch": trained.chosen,
            "validation_ua": chosen["val_ua"],
            "seconds": trained.seconds,
        },
        "environment": machine,
    }


def _differences(variants: list[Variant]) -> dict[str, float]:
    """Largest difference of a probability from the model in training, by variant."""
    first = variants[0].probabilities
    return {v.name: float(np.abs(v.probabilities - first).max()) for v in variants[1:]}


def _write(
    folder: Path,
    settings: Settings,
    corpus: Corpus,
    trained: Trained,
    variants: list[Variant],
    metrics: dict,
) -> None:
    config = {
        **settings.model_dump(mode="json"),
        "backend": keras.config.backend(),
        "front_end": trained.log_mel.get_config(),
        "front_end_statistics": {
            "of": "the training clips at their own speed",
            "mean": keras.ops.convert_to_numpy(trained.log_mel.mean).tolist(),
            "std": keras.ops.convert_to_numpy(trained.log_mel.std).tolist(),
        },
        "labels": list(corpus.labels),
        "manifest_sha256": manifest_hash(settings.data / "emodb4.csv"),
        "clips": {name: len(clips) for name, clips in corpus.splits().items()},
        "speakers": {name: _speakers(clips) for name, clips in corpus.splits().items()},
    }
    for name, content in (("config", config), ("metrics", metrics)):
        text = json.dumps(content, indent=1, ensure_ascii=False) + "\n"
        (folder / f"{name}.json").write_text(text, encoding="utf-8")
    with (folder / "history.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(trained.history[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(trained.history)
    write_predictions(folder / "predictions.csv", variants, corpus)
    shown = variants[-1]
    plot_confusion(
        folder / "confusion.png",
        shown.metrics,
        corpus.labels,
        title=f"{shown.name}: UA {shown.metrics.ua:.1%}, WA {shown.metrics.wa:.1%}",
        subtitle=f"{shown.metrics.clips:,} clips of {_names(corpus)}: "
        f"{len(_speakers(corpus.test))} speakers never heard in training",
    )
    plot_curves(
        folder / "curves.png",
        trained.history,
        chosen=trained.chosen,
        title="Light ConvTransformer with HRF",
        subtitle=f"{_names(corpus)}: {len(corpus.train):,} clips train, "
        f"{len(corpus.validation):,} of other speakers validate",
    )


def _classify(model: Path, clip: Clip, settings: Settings, console: Console) -> None:
    """Runs the real command, in a process of its own, as a user would."""
    path = settings.data / clip.segment.path
    command = ["classify", "--model", _shown(model), _shown(path)]
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
    console.print(f"The actor's emotion was [bold]{clip.segment.label}[/].", highlight=False)


def _say_where(folder: Path, console: Console) -> None:
    told = {
        FILES["int8"]: "for the phone: one file, waveform in, labels inside",
        FILES["float32"]: "the same, not quantised",
        "light.keras": "the merged model: plain Keras layers",
        "train.keras": "the model with HRF, to train on",
        "metrics.json": "every figure above, and more",
        "predictions.csv": "the probabilities of every held-out clip",
        "confusion.png": "what is taken for what",
        "curves.png": "how the training went; history.csv has the numbers",
        "config.json": "the settings",
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
        "Expand a model of your own:   README.md, 'Expand, train, merge'",
        "Read how this was done:       recipes/README.md",
    ):
        console.print(f"  {line}", highlight=False, soft_wrap=True)
