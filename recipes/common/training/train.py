"""Trains one fold."""

import contextlib
from collections.abc import Callable
from pathlib import Path

import keras
from rich.console import Console

from keras_reparam.audio import LogMel
from recipes.common.corpus import Corpus
from recipes.common.front_end import create_front_end
from recipes.common.names import BEST, CHECKPOINT, TRAINING
from recipes.common.protocol.fold import Fold
from recipes.common.protocol.task import Task
from recipes.common.settings import RecipeSettings
from recipes.common.teacher.lessons import Lessons
from recipes.common.training.backbone import create_backbone, scale_outputs
from recipes.common.training.batches import TrainingBatches
from recipes.common.training.distribution import all_devices
from recipes.common.training.example_features import ExampleFeatures, ExampleWindows
from recipes.common.training.fit import prepare_to_fit
from recipes.common.training.fold_training import (
    FoldTraining,
    check_training,
    heard_in_an_epoch,
)
from recipes.common.training.model import scored_model, training_model
from recipes.common.training.teacher import lessons_from, load_start, load_teacher
from recipes.common.training.trained import write_trained
from recipes.common.training.validation_scores import ValidationScores
from recipes.common.training.windows import FeatureWindows, WaveformWindows


def is_trained(folder: Path) -> bool:
    """Whether a fold's folder holds its trained models."""
    return (folder / TRAINING).is_file()


def remove_checkpoints(folder: Path) -> None:
    """Removes from a trained fold's folder what going on would have needed."""
    for name in (CHECKPOINT, BEST):
        (folder / name).unlink(missing_ok=True)


def train_fold(
    corpus: Corpus,
    fold: Fold,
    task: Task,
    settings: RecipeSettings,
    folder: Path,
    console: Console,
    *,
    create: Callable[..., keras.Model] = create_backbone,
) -> None:
    """Trains on the fold's training split, keeps the epoch that `settings.select_on` names.

    The validation split, if there is one, then calibrates its probabilities.

    The test split is not read. A run that was stopped goes on from its last epoch, and ends with
    the models of an unbroken one.

    Args:
        corpus: Where the clips are read from.
        fold: Who trains, who validates.
        task: What is learnt.
        settings: The recipe.
        folder: Of the fold; made if need be.
        console: Where to report.
        create: Makes the backbone, as `create_backbone` does.

    Raises:
        ValueError: If nobody validates, and the settings want a validation; or if a setting does
            not go with the task.
    """
    check_training(fold, task, settings)
    folder.mkdir(parents=True, exist_ok=True)
    if not settings.waveform_augmentation:
        corpus.add_speeds(settings.speeds, console)
        corpus.add_copies(fold.train, settings.copies, settings.chances, console)
    lessons = lessons_from(settings, corpus, fold, task, console)
    # Names and generators of a fold do not depend on the folds before it, nor on a teacher's.
    keras.utils.clear_session()
    keras.utils.set_random_seed(settings.seed)
    if settings.frames is None:
        settings = settings.model_copy(update={"frames": _longest(corpus, fold)})
    training = _BackboneTraining(corpus, fold, task, settings, folder, console, lessons, create)
    shared = all_devices(settings) if settings.distribute else contextlib.nullcontext(1)
    with shared as devices:
        backbone, checkpoints, calibration = training.run()
    write_trained(
        folder,
        backbone,
        training.log_mel,
        task,
        settings,
        checkpoints,
        fold,
        console,
        calibration=calibration,
        devices=devices,
        clips=training.batches.clips,
    )
    remove_checkpoints(folder)


class _BackboneTraining(FoldTraining):
    """Of a backbone, on windows of the clips."""

    def __init__(
        self,
        corpus: Corpus,
        fold: Fold,
        task: Task,
        settings: RecipeSettings,
        folder: Path,
        console: Console,
        lessons: Lessons | None,
        create: Callable[..., keras.Model],
    ):
        super().__init__(fold, task, settings, folder, console)
        self._corpus = corpus
        self.log_mel = create_front_end(settings)
        corpus.adapt(self.log_mel, fold.train)
        self._lessons, self._create = lessons, create
        self.batches = _batches(corpus, fold, task, self.log_mel, settings, lessons)

    def models(self):
        settings, log_mel = self._settings, self.log_mel
        shape = {"num_classes": len(self._task.names), "num_mels": log_mel.num_mels}
        former = (settings, self._fold.name, self._task.names, log_mel)
        teacher, start = load_teacher(*former), load_start(*former)
        backbone = self._create(settings, **shape, dtype=settings.precision, start=start)
        if start is not None and not settings.starts_from_file:
            # Its last layer, too, which gives what a trained model does.
            factor, offset = self._task.scale
            scale_outputs(backbone, 1 / factor, -offset / factor)
        front_end = _copy(log_mel) if settings.waveform_augmentation else None
        model = training_model(
            backbone,
            settings,
            waveforms_to=front_end,
            teacher=teacher,
            start=start,
            components=None if self._lessons is None else self._lessons.features.shape[1],
        )
        prepare_to_fit(
            model,
            self.batches,
            self._task,
            settings,
            norms=settings.diagnostics,
        )
        fixed = [part for part in (front_end, teacher, start) if part is not None]
        constants = [variable for part in fixed for variable in part.variables]
        return backbone, model, constants

    def validation(self, backbone):
        settings, examples = self._settings, self._fold.validation
        windows = ExampleWindows(
            self._corpus, examples, self.log_mel, settings.frames, settings.batch_size
        )
        return ValidationScores(
            scored_model(backbone),
            windows,
            windows.owners,
            windows.weights,
            self.decided,
            self._task,
        )


def _copy(log_mel: LogMel) -> LogMel:
    """The front end with variables of its own, where the model's are to be."""
    copy = LogMel.from_config(log_mel.get_config())
    copy.build(None)
    copy.set_weights(log_mel.get_weights())
    return copy


def _longest(corpus: Corpus, fold: Fold) -> int:
    return max(corpus.frames(example) for split in fold.splits.values() for example in split)


def _batches(
    corpus: Corpus,
    fold: Fold,
    task: Task,
    log_mel: LogMel,
    settings: RecipeSettings,
    lessons: Lessons | None,
) -> TrainingBatches:
    numbers = heard_in_an_epoch(fold.train)
    heard = [fold.train[number] for number in numbers]
    if settings.waveform_augmentation:
        size = settings.frames * log_mel.hop_length
        windows = WaveformWindows(lambda number: corpus.samples(heard[number]), size)
    else:
        features = ExampleFeatures(corpus, heard, settings.speeds)
        windows = FeatureWindows(features, log_mel, settings)
    truth = [example.label for example in heard]
    return TrainingBatches(
        windows,
        truth,
        task,
        settings,
        shared=settings.distribute,
        lessons=None if lessons is None else lessons.of(numbers),
    )
