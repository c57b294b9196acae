"""The stages of a run after the corpus is prepared: training, evaluation, export."""

import contextlib
import functools
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import keras
from rich.console import Console

from keras_reparam.deploy.conversion.saved_model import load_model
from keras_reparam.models import with_front_end
from recipes.common.command import say
from recipes.common.corpus import Corpus, read_example
from recipes.common.deployment.fold import export_fold
from recipes.common.deployment.model_facts import (
    ModelFacts,
    calibration_of,
    command_of,
    protocol_of,
)
from recipes.common.deployment.static_model import with_frames
from recipes.common.files.json_file import read_json
from recipes.common.files.lock import exclusive
from recipes.common.front_end import create_front_end
from recipes.common.frozen.example_moments import ExampleMoments
from recipes.common.frozen.features_of import features_of
from recipes.common.frozen.frozen_head import read_head
from recipes.common.manifest import manifest_hash, read_manifest, read_segment
from recipes.common.names import LIGHT, PREDICTIONS, RESULTS, TRAINING
from recipes.common.protocol.examples import cross_corpus_examples
from recipes.common.protocol.fold import Example, Fold
from recipes.common.protocol.task import Task
from recipes.common.recipe import Recipe
from recipes.common.results.evaluation import (
    Samples,
    Scores,
    predictions_of,
    record_reading,
    results_by_split,
    scores_by,
    write_evaluation,
)
from recipes.common.results.pooling import folded_results
from recipes.common.results.predictions import (
    Predictions,
    pooled,
    read_predictions,
)
from recipes.common.results.tables import class_table, folds_table, results_table
from recipes.common.run_folder import RunFolder
from recipes.common.scoring.waveform_model import WaveformModel
from recipes.common.settings import FROZEN, RecipeSettings
from recipes.common.store import add_speeds
from recipes.common.store.layout import SAMPLE_RATE
from recipes.common.training.frozen import train_frozen
from recipes.common.training.train import is_trained, remove_checkpoints, train_fold

# A minute of samples: a phone can't wait for a whole interview.
_PHONE_SAMPLES = 60 * SAMPLE_RATE


class Stages:
    """What can be done with one run.

    Args:
        recipe: The corpus.
        settings: What the run depends on.
        run: Its folder.
        manifest: The corpus's manifest.
        store: Its store.
        folds: Names of folds; `None`: all.
        console: Where to report.
    """

    def __init__(
        self,
        recipe: Recipe,
        settings: RecipeSettings,
        run: RunFolder,
        *,
        manifest: Path,
        store: Path,
        folds: Sequence[str] | None,
        console: Console,
    ):
        self._recipe, self._settings, self._run = recipe, settings, run
        self._manifest, self._store, self._chosen = manifest, store, folds
        self._console = console
        self._log_mel = create_front_end(settings)

    def train(self) -> None:
        """Trains the folds that are not trained yet."""
        # What is wrong with the clips or the folds is said before anything is written.
        folds = self._folds
        if not self.exportable:
            self._read_features(folds)
        self._run.path.mkdir(parents=True, exist_ok=True)
        with self._begun():
            for number, fold in enumerate(folds, start=1):
                folder = self._run.fold(fold.name)
                if is_trained(folder):
                    # As far as the run was not killed before it did so.
                    remove_checkpoints(folder)
                    continue
                self._say(f"Fold {fold.name} ({number} of {len(folds)})")
                about = (fold, self._task, self._settings, folder, self._console)
                if self.exportable:
                    train_fold(self._corpus, *about)
                else:
                    train_frozen(self._moments, *about)

    def evaluate(self, *, again: bool = True) -> None:
        """Scores the test split of every fold, and of all of them together.

        Args:
            again: Whether folds are scored whose test split was read before.
        """
        with self._begun():
            for fold in self._trained():
                folder = self._run.fold(fold.name)
                if not again and (folder / PREDICTIONS).exists():
                    continue
                record_reading(folder, "evaluate", self._console)
                predictions = self._predictions(fold, self._scores(folder), fold.tests)
                title = f"{self._recipe.title}, fold {fold.name}"
                write_evaluation(
                    folder, predictions, results_by_split(predictions, self._notes), title=title
                )
            self._report_all()

    def evaluate_on(self, manifest: Path, data: Path | None) -> None:
        """Scores all clips of another corpus that are of this run's classes.

        Args:
            manifest: The other corpus's.
            data: Its folder.
        """
        if data is None or not data.is_dir():
            raise FileNotFoundError(
                f"`--on` needs the other corpus's folder: --data DIR. Received: {data}"
            )
        segments = read_manifest(manifest)
        examples, left_out = cross_corpus_examples(
            segments,
            self._task,
            examples_of=lambda found, task: self._recipe.examples_of(found, task, self._settings),
        )
        name = manifest.parent.name if manifest.stem == "manifest" else manifest.stem
        listed = ", ".join(f"{count} x {label}" for label, count in left_out.items())
        self._say(f"{len(examples)} of {len(segments)} clips; left out: {listed or 'none'}.")
        read = functools.partial(read_example, data=data, hop_length=self._settings.hop_length)
        notes = (*self._notes, f"Trained on {self._recipe.title}, scored on {name}.")
        with self._begun():
            for fold in self._trained():
                own = self._run.fold(fold.name)
                scores = self._scores_on(own, read, data)
                predictions = self._predictions(fold, scores, {name: examples})
                results = results_by_split(predictions, notes)
                folder = own / f"on-{name}"
                title = f"{self._recipe.title}, fold {fold.name}, on {name}"
                write_evaluation(folder, predictions, results, title=title)
                self._console.print(results_table(results, title=title))
                self._say(f"Results lie in {folder}")

    def export(self, kinds: Sequence[str], *, again: bool = True) -> None:
        """Makes the files for the phone of every fold, each with its own accuracy.

        Args:
            kinds: Of `keras_reparam.export_tflite`.
            again: Whether folds are exported that were so before.

        Raises:
            ValueError: If the run is of a frozen model.
        """
        if not self.exportable:
            raise ValueError(
                "A frozen model with a linear head is what small models are compared with: "
                f"nothing of it is exported. Received: '{self._run.path}', backbone=frozen"
            )
        with self._begun():
            for fold in self._trained():
                folder = self._run.fold(fold.name)
                if not again and (folder / RESULTS).exists():
                    continue
                self._say(f"Fold {fold.name}")
                record_reading(folder, "export", self._console)
                export_fold(
                    folder,
                    model=self._phone_model(folder),
                    fold=fold,
                    split=next(iter(fold.tests)),
                    read=self._corpus.samples,
                    task=self._task,
                    facts=self._facts(fold),
                    console=self._console,
                    kinds=kinds,
                    rule=self._settings.decision_rule,
                )
                self._say(f"Files lie in {folder}")

    def _phone_model(self, folder: Path) -> keras.Model:
        """The trained model; one that takes whole interviews gets a window for a phone."""
        model = load_model(folder / LIGHT)
        whole = WaveformModel(model)
        if self._settings.frames is not None or whole.window <= _PHONE_SAMPLES:
            return model
        frames = _PHONE_SAMPLES // whole.log_mel.hop_length
        return with_front_end(with_frames(whole.backbone, frames), whole.log_mel)

    def _facts(self, fold: Fold) -> ModelFacts:
        settings = self._settings
        trained = read_json(self._run.fold(fold.name) / TRAINING, dict[str, Any])
        return ModelFacts(
            corpus=self._recipe.facts,
            size=settings.size,
            expansion=settings.expansion,
            training_parameters=trained["parameters"]["training"],
            protocol=(
                f"{protocol_of(trained, settings, self._task)} The test split was read by the "
                "evaluation and by the scoring of these files."
            ),
            command=command_of(self._recipe.name, settings),
            calibration=calibration_of(trained),
            notes=self._notes,
        )

    def _trained(self) -> list[Fold]:
        """The chosen folds.

        Raises:
            FileNotFoundError: If one of them is not trained.
        """
        missing = [f.name for f in self._folds if not is_trained(self._run.fold(f.name))]
        if self._chosen is None and len(missing) < len(self._folds):
            return [fold for fold in self._folds if fold.name not in missing]
        if missing:
            raise FileNotFoundError(
                f"'{self._run.path}' has no trained model of fold {', '.join(missing)}: train first"
            )
        return self._folds

    @property
    def exportable(self) -> bool:
        """Whether there are files for the phone to make: not of a frozen model."""
        return self._settings.backbone != FROZEN

    def _scores(self, folder: Path) -> Scores:
        """What a fold's model says of the corpus's own clips."""
        if self.exportable:
            return self._scores_by_model(folder, self._corpus.samples)
        return self._scores_of_head(folder, self._moments)

    def _scores_on(self, folder: Path, samples: Samples, data: Path) -> Scores:
        """What a fold's model says of clips of another corpus."""
        if self.exportable:
            return self._scores_by_model(folder, samples)
        heard = functools.partial(read_segment, folder=data, sample_rate=SAMPLE_RATE)
        features = features_of(self._settings, heard, self._console)
        return self._scores_of_head(folder, ExampleMoments(features, self._console))

    def _scores_by_model(self, folder: Path, samples: Samples) -> Scores:
        return scores_by(load_model(folder / LIGHT), samples, self._task, self._console)

    def _scores_of_head(self, folder: Path, moments: ExampleMoments) -> Scores:
        head = read_head(folder)
        return lambda examples: self._task.scores(head(moments.of(examples)))

    def _predictions(
        self, fold: Fold, scores: Scores, splits: Mapping[str, Sequence[Example]]
    ) -> Predictions:
        return predictions_of(scores, splits, fold=fold, task=self._task, settings=self._settings)

    def _report_all(self) -> None:
        """Shows and writes the results of all folds that were evaluated."""
        folders = [self._run.fold(fold.name) for fold in self._every_fold]
        files = [folder / PREDICTIONS for folder in folders if (folder / PREDICTIONS).exists()]
        predictions = pooled([read_predictions(path, self._task) for path in files])
        splits = dict.fromkeys(predictions.split.tolist())
        results = {
            split: folded_results(predictions.where(split=split), notes=self._notes)
            for split in splits
        }
        title = f"{self._recipe.title}, {self._settings.backbone}"
        write_evaluation(self._run.path, predictions, results, title=title)
        for split, found in results.items():
            self._console.print(folds_table(found, title=f"{self._recipe.title}, {split}"))
        headline, first = next(iter(results.items()))
        self._console.print(
            class_table(first.pooled, title=f"{self._task.parts_named}, {headline}")
        )
        self._say(f"Results lie in {self._run.path}")

    @functools.cached_property
    def _notes(self) -> tuple[str, ...]:
        return tuple(self._recipe.notes_of(self._settings))

    @contextlib.contextmanager
    def _begun(self) -> Iterator[None]:
        """Within it the run's folder is this process's alone, and of these settings."""
        task = self._task
        hash = manifest_hash(self._manifest, task.target)
        if not self._run.path.is_dir():
            raise FileNotFoundError(f"There is no run '{self._run.path}': train first")
        with exclusive(self._run.path):
            self._run.begin(
                self._settings, recipe=self._recipe.name, labels=task.names, manifest=hash
            )
            yield

    @functools.cached_property
    def _segments(self):
        return read_manifest(self._manifest)

    @functools.cached_property
    def _task(self) -> Task:
        return self._recipe.task_of(self._settings, self._segments)

    @functools.cached_property
    def _every_fold(self) -> list[Fold]:
        return self._recipe.folds_of(self._segments, self._settings)

    @functools.cached_property
    def _folds(self) -> list[Fold]:
        """The chosen ones."""
        folds = self._every_fold
        if self._chosen is None:
            return folds
        names = [fold.name for fold in folds]
        unknown = [name for name in self._chosen if name not in names]
        if unknown:
            raise ValueError(f"Folds are {', '.join(names)}. Received: {', '.join(unknown)}")
        return [fold for fold in folds if fold.name in self._chosen]

    @functools.cached_property
    def _corpus(self) -> Corpus:
        add_speeds(self._store, self._log_mel, [1.0], self._console)
        return Corpus(self._store, self._log_mel)

    @functools.cached_property
    def _moments(self) -> ExampleMoments:
        """Of a frozen model: what its head gets to know of clips."""
        features = features_of(self._settings, self._corpus.store, self._console)
        return ExampleMoments(features, self._console)

    def _read_features(self, folds: Sequence[Fold]) -> None:
        """Of all clips that are to be trained on, validated or tested, so that nobody learns in
        the end what is wrong with some.
        """
        new = [fold for fold in folds if not is_trained(self._run.fold(fold.name))]
        self._moments.read(e for fold in new for split in fold.splits.values() for e in split)

    def _say(self, text: str) -> None:
        say(self._console, text)
