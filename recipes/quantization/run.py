"""The recipe's stages: train every backbone on every fold, export, score, compare."""

import dataclasses
import json
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from rich.console import Console

from keras_reparam._utils.environment import described, environment
from keras_reparam.deploy.conversion.saved_model import load_model
from recipes.common.command import say
from recipes.common.corpus import Corpus
from recipes.common.files.folders import staged
from recipes.common.files.json_file import write_json
from recipes.common.files.lock import exclusive
from recipes.common.files.rows import write_rows
from recipes.common.front_end import create_front_end
from recipes.common.manifest import manifest_hash
from recipes.common.names import CONFIG, LIGHT
from recipes.common.protocol.fold import Fold
from recipes.common.protocol.task import Task
from recipes.common.scoring.waveform_model import WaveformModel
from recipes.common.store import build_store
from recipes.common.tasks.classes import Classes
from recipes.common.training.train import is_trained, train_fold
from recipes.quantization.corpus import folds_of, labels_of, manifest_of, segments_of
from recipes.quantization.measurement import Measured, latencies, measure
from recipes.quantization.report import (
    Bar,
    Row,
    as_row,
    bars,
    markdown_of,
    missed,
    rows_of,
    tables_of,
    write_csv,
)
from recipes.quantization.settings import Settings


def run(settings: Settings, out: Path, console: Console) -> list[tuple[Row, Bar]]:
    """Trains what is not there yet, measures everything, and writes the results into `out`.

    Returns:
        The bars that are missed.

    Raises:
        ValueError: If the clips are not as they should be, or `out` holds another run's models.
        OSError: If a file can't be read or written.
    """
    manifest = manifest_of(settings.data)
    config = _config(settings, manifest)
    _check_models(out, config)
    segments = segments_of(settings)
    labels, folds = labels_of(segments), folds_of(segments, settings.folds)
    out.mkdir(parents=True, exist_ok=True)
    with exclusive(out):
        log_mel, store = create_front_end(settings), out / "store"
        build_store(segments, manifest.parent, store, log_mel=log_mel, console=console)
        write_json(out / CONFIG, config)
        return _Run(settings, out, Corpus(store, log_mel), Classes(labels), folds, console).run()


def _config(settings: Settings, manifest: Path) -> dict:
    """What a trained model depends on, as JSON types."""
    # Neither where the clips are nor what else is trained changes how a model is trained.
    config = settings.model_dump(mode="json", exclude={"backbones", "data"})
    return {**config, "manifest_sha256": manifest_hash(manifest)}


def _check_models(out: Path, config: dict) -> None:
    """Refuses a folder with models that were trained otherwise."""
    path = out / CONFIG
    if not path.is_file():
        return
    # A setting that there was not yet had no other value than its default.
    defaults = {name: field.default for name, field in Settings.model_fields.items()}
    before = {**defaults, **json.loads(path.read_text(encoding="utf-8"))}
    other = [key for key in config if before.get(key) != config[key]]
    if other:
        raise ValueError(
            f"'{out}' holds models trained with another {', '.join(other)}. Give another --out or "
            "delete that folder."
        )


@dataclasses.dataclass(frozen=True)
class _Run:
    """One run: what it is of, and its steps."""

    settings: Settings
    out: Path
    corpus: Corpus
    task: Task
    folds: Sequence[Fold]
    console: Console

    def run(self) -> list[tuple[Row, Bar]]:
        console = self.console
        console.print(self._protocol, highlight=False)
        for backbone in self.settings.backbones:
            self._train_missing(backbone)
        rows, scores = [], {}
        for backbone in self.settings.backbones:
            found, scores[backbone] = self._measure(backbone)
            rows += found
        machine = environment("keras", "tensorflow", "ai-edge-litert")
        asked, told = bars(machine["cpu"]), described(machine)
        for table in tables_of(rows, asked, told):
            console.print(table)
        lacking = missed(rows, asked)
        for row, bar in lacking:
            console.print(f"Missed by {row.backbone}, {row.kind}: {bar.text}", highlight=False)
        with staged(self.out) as beside:
            write_json(beside / "results.json", self._results(rows, asked, machine))
            write_csv(beside / "results.csv", rows)
            self._write_predictions(beside / "predictions.csv", scores)
            text = markdown_of(rows, asked, told, self._protocol)
            (beside / "results.md").write_text(text, encoding="utf-8")
        console.print(f"Tables, models and files lie in {self.out}", highlight=False)
        return lacking

    @property
    def _protocol(self) -> str:
        settings = self.settings
        clips = sum(len(fold.tests["test"]) for fold in self.folds)
        folds = "; ".join(", ".join(speakers) for speakers in self._speakers)
        return (
            f"{clips} clips, {len(self.task.names)} emotions. Speakers held out in turn: {folds}. "
            f"HRF expansion {settings.expansion}, merged; {settings.epochs} epochs, the last one "
            "is kept: no speaker validates. Calibrated on training clips alone."
        )

    @property
    def _speakers(self) -> list[list[str]]:
        return [sorted({e.speaker for e in fold.tests["test"]}) for fold in self.folds]

    def _folder(self, backbone: str, fold: Fold) -> Path:
        return self.out / f"{backbone}-fold{fold.name}"

    def _train_missing(self, backbone: str) -> None:
        for number, fold in enumerate(self.folds):
            folder = self._folder(backbone, fold)
            if not is_trained(folder):
                say(self.console, f"{backbone}:")
                settings = self.settings.of(backbone, number)
                train_fold(self.corpus, fold, self.task, settings, folder, self.console)

    def _measure(self, backbone: str) -> tuple[list[Row], list[Measured]]:
        found = []
        for fold in self.folds:
            folder = self._folder(backbone, fold)
            model = WaveformModel(load_model(folder / LIGHT))
            about = (model, self.corpus, fold, self.task, folder, self.console)
            found.append(measure(*about, all_alone=not found))
        with self.console.status(f"Measuring the time of an inference, {backbone}"):
            times = [latencies(exports) for exports in (found[0].whole, found[0].alone)]
        truth = [example.label for fold in self.folds for example in fold.tests["test"]]
        rows = rows_of(backbone, found, np.array(truth), *times)
        # A long run shows what it has.
        for row in rows:
            self.console.print(
                f"{backbone} {row.kind}: UA {row.ua:.1%} (Keras {row.keras_ua:.1%}), top-1 "
                f"agreement {row.top1_agreement:.1%}, "
                f"maximum absolute error {row.max_absolute_error:.1e}",
                highlight=False,
            )
        return rows, found

    def _results(self, rows: list[Row], asked: tuple[Bar, ...], machine: dict) -> dict:
        return {
            "protocol": self._protocol,
            "labels": self.task.names,
            "folds": self._speakers,
            "environment": machine,
            "bars": [
                {
                    **dataclasses.asdict(bar),
                    "missed": [[r.backbone, r.kind] for r in rows if bar.met(r) is False],
                }
                for bar in asked
            ],
            "rows": [as_row(row) for row in rows],
        }

    def _write_predictions(self, path: Path, scores: dict[str, list[Measured]]) -> None:
        """The probabilities of every held-out clip by every file, and by Keras."""
        columns = [f"{by}_{label}" for by in ("file", "keras") for label in self.task.names]
        head = ("backbone", "fold", "kind", "id", "speaker", "label")

        def rows() -> Iterator[dict]:
            for backbone, measured in scores.items():
                for fold, of_fold in zip(self.folds, measured, strict=True):
                    for kind, found in of_fold.scores.items():
                        both = np.concatenate([found.file, found.keras], axis=1)
                        for e, values in zip(fold.tests["test"], both, strict=True):
                            label = self.task.names[e.label]
                            about = (backbone, fold.name, kind, e.id, e.speaker, label)
                            texts = (f"{value:.6f}" for value in values)
                            yield dict(zip((*head, *columns), (*about, *texts), strict=True))

        write_rows(path, (*head, *columns), rows())
