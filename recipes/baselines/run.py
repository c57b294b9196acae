"""Trains what is not there yet, lets everybody hear the test clips, and writes what came out."""

import dataclasses
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from sklearn.metrics import recall_score

from keras_reparam._utils.environment import described, environment
from keras_reparam._utils.progress import track
from keras_reparam.deploy import load_classifier
from keras_reparam.deploy.conversion.saved_model import load_model
from keras_reparam.deploy.tflite.tflite_buffers import read_model
from keras_reparam.deploy.tflite.tflite_graph import TFLiteGraph
from recipes.baselines import frozen
from recipes.baselines.clips import Clips, load_clips
from recipes.baselines.contestant import Contestant
from recipes.baselines.functionals import library_bytes
from recipes.baselines.hearing import SAVED_SECONDS, classes_of
from recipes.baselines.light_sernet import create
from recipes.baselines.machine import (
    fit_machine,
    read_features,
    read_machine,
    write_features,
    write_machine,
)
from recipes.baselines.measurement import measure
from recipes.baselines.picture import draw
from recipes.baselines.report import (
    CONDITIONS_TOLD,
    MEANING,
    Row,
    markdown_of,
    row_of,
    tables_of,
    verdicts,
)
from recipes.baselines.settings import EGEMAPS, LIGHT_SERNET, OURS, WHISPER, Settings
from recipes.baselines.worker import Worker
from recipes.common.command import say
from recipes.common.corpus import Corpus
from recipes.common.deployment.calibration import calibration_clips, evenly_over_classes
from recipes.common.deployment.files import export_file
from recipes.common.files.folders import staged
from recipes.common.files.json_file import read_json, write_json
from recipes.common.files.lock import exclusive
from recipes.common.front_end import create_front_end
from recipes.common.names import CONFIG, HEAD, LIGHT, TRAINING, file_name
from recipes.common.protocol.fold import Example
from recipes.common.scoring.waveform_model import WaveformModel
from recipes.common.store import build_store
from recipes.common.training.train import is_trained, train_fold

_FLOAT_BYTES = 4
# Test clips by which time and memory are measured.
_MEASURED = 60
_FEATURES = "features.npz"
_INT8 = file_name("int8")


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
    _check_labels(file, clips.labels)
    out.mkdir(parents=True, exist_ok=True)
    with exclusive(out):
        _check_config(out, settings)
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


def _check_config(out: Path, settings: Settings) -> None:
    """Refuses a folder whose models were trained otherwise, and says so in a new one."""
    path, config = out / CONFIG, settings.model_dump(mode="json")
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
        contestants = [self._prepared(name, file, teacher) for name in names]
        ua = {each.name: self._ua(each) for each in contestants}
        costs = measure(contestants, self._measured(), self.console)
        rows = [row_of(each, ua[each.name], costs[each.name]) for each in contestants]
        self._write(rows)
        return rows

    @property
    def _tests(self) -> tuple[Example, ...]:
        return self.clips.fold.tests["test"]

    def _measured(self) -> list[np.ndarray]:
        chosen = evenly_over_classes(self._tests, _MEASURED)
        return [self.corpus.samples(example) for example in chosen]

    def _prepared(self, name: str, file: Path, teacher: str | None) -> Contestant:
        if name == OURS:
            return of_file(name, file.name, file)
        if name == LIGHT_SERNET:
            return self._light_sernet(self.out / name)
        if name == EGEMAPS:
            return self._egemaps(self.out / name)
        assert name == WHISPER and teacher is not None
        return self._whisper(self.out / name, teacher)

    def _light_sernet(self, folder: Path) -> Contestant:
        clips, path = self.clips, folder / _INT8
        if not is_trained(folder):
            say(self.console, "Like Light-SERNet:")
            about = (clips.fold, clips.labels, self.settings, folder, self.console)
            train_fold(self.corpus, *about, create=create)
        if not path.is_file():
            model = WaveformModel(load_model(folder / LIGHT))
            export_file(
                model.model,
                path,
                "int8",
                calibration=calibration_clips(
                    clips.fold.train, self.corpus.samples, model.window, self.console
                ),
                labels=clips.labels,
                texts={},
                console=self.console,
            )
        return of_file(LIGHT_SERNET, "like Light-SERNet, int8", path)

    def _egemaps(self, folder: Path) -> Contestant:
        if not (folder / HEAD).is_file():
            fold = self.clips.fold
            found = self._functionals(folder / _FEATURES)
            splits = [
                (
                    np.stack([found[example.id] for example in split]),
                    np.array([example.label for example in split]),
                )
                for split in (fold.train, fold.validation)
            ]
            times = [example.times for example in fold.train]
            machine, strength = fit_machine(*splits, times, len(self.clips.labels))
            write_machine(folder, machine)
            say(self.console, f"eGeMAPS: a linear support vector machine, C={strength:g}.")
        machine = read_machine(folder)
        parameters = machine.weights.size + machine.bias.size
        return Contestant(
            name=EGEMAPS,
            title="eGeMAPS + linear SVM",
            kind="egemaps",
            path=folder,
            artifact=folder / HEAD,
            parameters=parameters,
            size=library_bytes() + _FLOAT_BYTES * parameters,
        )

    def _functionals(self, path: Path) -> Mapping[str, np.ndarray]:
        """Of training and validation clips; computed are those that are not there."""
        found = read_features(path)
        examples = (*self.clips.fold.train, *self.clips.fold.validation)
        missing = [example for example in examples if example.id not in found]
        if missing:
            with Worker("functionals", path) as worker:
                saved = time.monotonic()
                for example in track(missing, "Computing eGeMAPS", self.console):
                    found[example.id], _ = worker.hear(self.corpus.samples(example))
                    if time.monotonic() - saved > SAVED_SECONDS:
                        write_features(path, found)
                        saved = time.monotonic()
            write_features(path, found)
        return found

    def _whisper(self, folder: Path, teacher: str) -> Contestant:
        if frozen.teacher_of(folder) != teacher:
            frozen.train(self.corpus, self.clips, teacher, folder, self.console)
        parameters = read_json(folder / TRAINING, dict[str, Any])["parameters"]["merged"]
        return Contestant(
            name=WHISPER,
            title="frozen Whisper + linear",
            kind="frozen",
            path=folder,
            artifact=folder / HEAD,
            parameters=parameters,
            size=_FLOAT_BYTES * parameters,
        )

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

    def _write(self, rows: Sequence[Row]) -> None:
        machine = environment("keras", "tensorflow", "ai-edge-litert", "scikit-learn")
        for table in tables_of(rows, described(machine)):
            self.console.print(table)
        for line in (*verdicts(rows), *self.notes):
            say(self.console, line)
        with staged(self.out) as beside:
            write_json(
                beside / "results.json",
                {"protocol": self._protocol, "environment": machine, "rows": rows},
            )
            machine_told = f"Measured on: {described(machine)}."
            told = (MEANING, CONDITIONS_TOLD, self._protocol, machine_told, *self.notes)
            (beside / "results.md").write_text(markdown_of(rows, told), encoding="utf-8")
            draw(rows, beside / "baselines.png", classes=len(self.clips.labels), heard=self._heard)
        say(self.console, f"Tables, picture and models lie in {self.out}")

    @property
    def _heard(self) -> str:
        speakers = len({example.speaker for example in self._tests})
        return f"{len(self._tests):,} clips of {speakers} speakers never heard in training"

    @property
    def _protocol(self) -> str:
        splits, told = self.clips.fold.splits, []
        for name, examples in splits.items():
            counts = (
                f"{corpus} {len(of_it):,} clips of {len({e.speaker for e in of_it})} speakers"
                for corpus in sorted({e.corpus for e in examples})
                if (of_it := [e for e in examples if e.corpus == corpus])
            )
            told.append(f"{name}: {', '.join(counts)}")
        settings = self.settings
        return (
            f"{'; '.join(told)}. An EmoDB training clip counts as often as in the shipped model's "
            f"training. The network like Light-SERNet: {settings.epochs} epochs, of which the "
            f"validation speakers chose one, {settings.copies} degraded copies of each training "
            "clip, as for the shipped model. eGeMAPS and Whisper were trained on clean clips; the "
            "validation speakers chose their regularization."
        )


def of_file(name: str, title: str, path: Path) -> Contestant:
    """A `.tflite` classifier; its parameters: the constants behind the front end."""
    graph = TFLiteGraph(read_model(path))
    return Contestant(
        name=name,
        title=title,
        kind="file",
        path=path,
        artifact=path,
        parameters=sum(tensor.values for tensor in graph.constants(graph.backbone)),
        size=path.stat().st_size,
    )
