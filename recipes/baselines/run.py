"""Trains what is not there yet, lets everybody hear the test clips, and writes what came out."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from sklearn.metrics import recall_score

from keras_reparam._utils.environment import described, environment
from keras_reparam.deploy import load_classifier
from recipes.baselines.clips import Clips, load_clips
from recipes.baselines.contestant import Contestant
from recipes.baselines.hearing import classes_of
from recipes.baselines.level_alone import level_alone
from recipes.baselines.measurement import measure
from recipes.baselines.picture import draw
from recipes.baselines.preparation import Preparation
from recipes.baselines.report import (
    CONDITIONS_TOLD,
    MEANING,
    Row,
    markdown_of,
    row_of,
    tables_of,
    verdicts,
)
from recipes.baselines.settings import LIGHT_SERNET, RESULTS, Settings
from recipes.common.command import say
from recipes.common.corpus import Corpus
from recipes.common.deployment.calibration import evenly_over_classes
from recipes.common.files.folders import staged
from recipes.common.files.json_file import read_json, write_json
from recipes.common.files.lock import exclusive
from recipes.common.front_end import create_front_end
from recipes.common.names import CONFIG
from recipes.common.protocol.fold import Example
from recipes.common.store import build_store

# Test clips by which time and memory are measured.
_MEASURED = 60


def run(
    settings: Settings,
    data: Path,
    out: Path,
    *,
    file: Path,
    teacher: str | None,
    names: Sequence[str],
    notes: Sequence[str],
    console: Console,
) -> list[Row]:
    """Compares the file with the others.

    Args:
        settings: How the network like Light-SERNet is trained, and on how many clips.
        data: The folder that holds `emodb` and `crema_d`.
        out: Where everything goes; what is there is not done again.
        file: The `.tflite` file.
        teacher: Name or folder of a preset of Whisper; `None`: Whisper is left out.
        names: Who is compared, the file first.
        notes: What is said beside the results, such as who is left out.
        console: Where to report.

    Returns:
        A row for each of them.

    Raises:
        ValueError: If the clips are not as they should be, the file has other classes, or `out`
            holds another run.
        OSError: If a file can't be read or written.
    """
    clips = load_clips(data, settings.limit)
    _check_labels(file, clips.task.names)
    out.mkdir(parents=True, exist_ok=True)
    with exclusive(out):
        _check_config(out, settings, clips)
        log_mel = create_front_end(settings)
        build_store(clips.segments, data, out / "store", log_mel=log_mel, console=console)
        corpus = Corpus(out / "store", log_mel)
        return _Run(settings, out, clips, corpus, notes, console).run(file, teacher, names)


def _check_labels(file: Path, labels: Sequence[str]) -> None:
    found = load_classifier(file).labels
    if tuple(found) != tuple(labels):
        raise ValueError(
            f"`--file` must have the classes {', '.join(labels)}, in this order. "
            f"Received: '{file}' with {', '.join(found)}"
        )


def _check_config(out: Path, settings: Settings, clips: Clips) -> None:
    """Refuses a folder whose models were trained otherwise; a new one is told what is trained."""
    path = out / CONFIG
    config = {**settings.model_dump(mode="json"), "clips_sha256": clips.digest}
    if path.is_file():
        before = read_json(path, dict[str, Any])
        other = [name for name in config if before.get(name) != config[name]]
        if other:
            raise ValueError(
                f"'{out}' holds models trained with another {', '.join(other)}. Give another "
                "--out or delete that folder."
            )
    write_json(path, config)


@dataclasses.dataclass(frozen=True)
class _Run:
    """One run: what it is of, and its steps."""

    settings: Settings
    out: Path
    clips: Clips
    corpus: Corpus
    notes: Sequence[str]
    console: Console

    def run(self, file: Path, teacher: str | None, names: Sequence[str]) -> list[Row]:
        about = (self.settings, self.out, self.clips, self.corpus, self.console)
        preparation = Preparation(*about)
        contestants = [preparation.contestant(name, file, teacher) for name in names]
        ua = {each.name: self._ua(each) for each in contestants}
        costs = measure(contestants, self._measured(), self.console)
        rows = [row_of(each, ua[each.name], costs[each.name]) for each in contestants]
        self._write(rows, self._floor())
        return rows

    def _floor(self) -> str:
        about = (self.clips.fold, self.corpus.samples, len(self.clips.task.names))
        told = ", ".join(f"{name} {100 * ua:.1f}" for name, ua in level_alone(*about).items())
        return (
            f"The floor: a clip's level alone, by a linear support vector machine: UA {told}; "
            f"chance: {100 / len(self.clips.task.names):.1f}."
        )

    @property
    def _tests(self) -> tuple[Example, ...]:
        return self.clips.fold.tests["test"]

    def _measured(self) -> list[np.ndarray]:
        chosen = evenly_over_classes(self._tests, self.clips.task, _MEASURED)
        return [self.corpus.samples(example) for example in chosen]

    def _ua(self, contestant: Contestant) -> dict[str, dict[str, float]]:
        """By corpus and condition."""
        tests = self._tests
        folder = self.out / contestant.name
        found = classes_of(contestant, tests, self.corpus.samples, folder, self.console)
        corpora = np.array([example.corpus for example in tests])
        truth = np.array([example.label for example in tests])

        def ua(corpus: str, classes: np.ndarray) -> float:
            of_it = corpora == corpus
            return float(
                recall_score(truth[of_it], classes[of_it], average="macro", zero_division=0)
            )

        return {
            corpus: {name: ua(corpus, classes) for name, classes in found.items()}
            for corpus in sorted(set(corpora.tolist()))
        }

    def _write(self, rows: Sequence[Row], floor: str) -> None:
        notes = (floor, *self.notes)
        protocol = self._protocol(any(row.name == LIGHT_SERNET for row in rows))
        machine = environment("keras", "tensorflow", "ai-edge-litert", "scikit-learn")
        for table in tables_of(rows, described(machine)):
            self.console.print(table)
        for line in (*verdicts(rows), *notes):
            say(self.console, line)
        with staged(self.out) as beside:
            write_json(
                beside / "results.json",
                {"protocol": protocol, "environment": machine, "rows": rows},
            )
            machine_told = f"Measured on: {described(machine)}."
            told = (MEANING, CONDITIONS_TOLD, protocol, machine_told, *notes)
            (beside / RESULTS).write_text(markdown_of(rows, told), encoding="utf-8")
            draw(
                rows,
                beside / "baselines.png",
                classes=len(self.clips.task.names),
                heard=self._heard,
            )
        say(self.console, f"Tables, picture and models lie in {self.out}")

    @property
    def _heard(self) -> str:
        speakers = len({example.speaker for example in self._tests})
        return f"{len(self._tests):,} clips of {speakers} speakers never heard in training"

    def _protocol(self, light_sernet: bool) -> str:
        splits, told = self.clips.fold.splits, []
        for name, examples in splits.items():
            counts = (
                f"{corpus} {len(of_it):,} clips of {len({e.speaker for e in of_it})} speakers"
                for corpus in sorted({e.corpus for e in examples})
                if (of_it := [e for e in examples if e.corpus == corpus])
            )
            told.append(f"{name}: {', '.join(counts)}")
        settings = self.settings
        trained = (
            f" The network like Light-SERNet: {settings.epochs} epochs, of which the validation "
            f"speakers chose one, {settings.copies} degraded copies of each training clip, no "
            "teacher."
        )
        return (
            f"{'; '.join(told)}. An EmoDB training clip counts as often as in the shipped model's "
            f"training.{trained if light_sernet else ''} eGeMAPS and Whisper were trained on clean "
            "clips; the validation speakers chose their regularization."
        )
