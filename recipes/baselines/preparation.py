"""Makes the contestants ready: trains what is not there yet."""

import dataclasses
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console

from keras_reparam._utils.progress import track
from keras_reparam.deploy.conversion.saved_model import load_model
from keras_reparam.deploy.tflite.tflite_buffers import read_model
from keras_reparam.deploy.tflite.tflite_graph import TFLiteGraph
from recipes.baselines import frozen
from recipes.baselines.clips import Clips
from recipes.baselines.contestant import Contestant
from recipes.baselines.functionals import library_bytes
from recipes.baselines.hearing import SAVED_SECONDS
from recipes.baselines.light_sernet import create
from recipes.baselines.listeners import Kind
from recipes.baselines.machine import (
    fit_machine,
    read_features,
    read_machine,
    write_features,
    write_machine,
)
from recipes.baselines.settings import EGEMAPS, LIGHT_SERNET, OURS, WHISPER, Settings
from recipes.baselines.worker import Worker
from recipes.common.command import say
from recipes.common.corpus import Corpus
from recipes.common.deployment.calibration import calibration_clips
from recipes.common.deployment.files import export_file
from recipes.common.files.json_file import read_json
from recipes.common.names import HEAD, LIGHT, TRAINING, file_name
from recipes.common.scoring.waveform_model import WaveformModel
from recipes.common.training.train import is_trained, train_fold

_FLOAT_BYTES = 4
_FEATURES = "features.npz"
_INT8 = file_name("int8")


@dataclasses.dataclass(frozen=True)
class Preparation:
    """What contestants are trained on, and where they are kept.

    Attributes:
        settings: How the network like Light-SERNet is trained.
        out: Each has its folder there, by its name.
        clips: Who trains, who validates.
        corpus: Where clips are read from.
        console: Where to report.
    """

    settings: Settings
    out: Path
    clips: Clips
    corpus: Corpus
    console: Console

    def contestant(self, name: str, file: Path, teacher: str | None) -> Contestant:
        """The one of this name, trained unless it is already.

        Args:
            name: One of `NAMES`.
            file: The `.tflite` file of the first of them.
            teacher: The last one's.
        """
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
            about = (clips.fold, clips.task, self.settings, folder, self.console)
            train_fold(self.corpus, *about, create=create)
        if not path.is_file():
            model = WaveformModel(load_model(folder / LIGHT))
            export_file(
                model.model,
                path,
                "int8",
                calibration=calibration_clips(
                    clips.fold.train,
                    clips.task,
                    self.corpus.samples,
                    model.window,
                    self.console,
                ),
                task=clips.task,
                texts={},
                console=self.console,
            )
        return of_file(LIGHT_SERNET, "like Light-SERNet, int8", path)

    def _egemaps(self, folder: Path) -> Contestant:
        if not (folder / HEAD).is_file():
            fold = self.clips.fold
            found = self._functionals(folder / _FEATURES)
            train, validation = (
                (
                    np.stack([found[example.id] for example in split]),
                    np.array([example.label for example in split]),
                )
                for split in (fold.train, fold.validation)
            )
            times = [example.times for example in fold.train]
            machine, strength = fit_machine(train, validation, times, len(self.clips.task.names))
            write_machine(folder, machine)
            say(self.console, f"eGeMAPS: a linear support vector machine, C={strength:g}.")
        machine = read_machine(folder)
        parameters = machine.weights.size + machine.bias.size
        made = of_head(EGEMAPS, "eGeMAPS + linear SVM", "egemaps", folder, parameters)
        return dataclasses.replace(made, size=library_bytes() + made.size)

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
        return of_head(WHISPER, "frozen Whisper + linear", "frozen", folder, parameters)


def of_head(name: str, title: str, kind: Kind, folder: Path, parameters: int) -> Contestant:
    """What is a linear head of something that was not trained here."""
    return Contestant(
        name=name,
        title=title,
        kind=kind,
        path=folder,
        artifact=folder / HEAD,
        parameters=parameters,
        size=_FLOAT_BYTES * parameters,
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
