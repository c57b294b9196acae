"""One fold's training: its steps, whatever is trained."""

import abc
from collections.abc import Sequence
from pathlib import Path

import keras
import numpy as np
from rich.console import Console

import keras_reparam as kr
from recipes.common.command import say
from recipes.common.protocol.fold import Example, Fold
from recipes.common.protocol.task import Decided, Task
from recipes.common.results.calibration import Calibration
from recipes.common.results.decisions import decide, decided
from recipes.common.settings import RecipeSettings
from recipes.common.training.backbone import scale_outputs
from recipes.common.training.batches import TrainingBatches
from recipes.common.training.checkpoints import Checkpoints
from recipes.common.training.diagnostics import DiagnosticsRecorder
from recipes.common.training.fit import fit
from recipes.common.training.validation_scores import ValidationScores


def check_training(fold: Fold, task: Task, settings: RecipeSettings) -> None:
    """Raises a `ValueError` if a setting does not go with the task, or wants a validation where
    nobody validates.
    """
    task.check(settings)
    if not fold.validation and settings.select_on != "last":
        raise ValueError(
            f"`select_on` must be 'last' where nobody validates, as in fold '{fold.name}'. "
            f"Received: select_on='{settings.select_on}'"
        )


def heard_in_an_epoch(examples: Sequence[Example]) -> np.ndarray:
    """Numbers of examples, each as often as an epoch hears it."""
    return np.repeat(np.arange(len(examples)), [each.times for each in examples])


class FoldTraining(abc.ABC):
    """One fold's training.

    Args:
        fold: Who trains, who validates.
        task: What is learnt.
        settings: The recipe.
        folder: Of the fold.
        console: Where to report.

    Attributes:
        batches: What it is trained on.
    """

    batches: TrainingBatches

    def __init__(
        self, fold: Fold, task: Task, settings: RecipeSettings, folder: Path, console: Console
    ):
        self._fold, self._task = fold, task
        self._settings, self._folder, self._console = settings, folder, console

    @abc.abstractmethod
    def models(self) -> tuple[keras.Model, keras.Model, list[keras.Variable]]:
        """The backbone, the compiled model around it, and what training does not change in it."""

    @abc.abstractmethod
    def validation(self, backbone: keras.Model) -> ValidationScores:
        """How good the backbone is on the validation split."""

    def run(self) -> tuple[keras.Model, Checkpoints, Calibration | None]:
        """The backbone of the chosen epoch, calibrated, and how it got there."""
        backbone, model, constants = self.models()
        scores = self.validation(backbone) if self._fold.validation else None
        select_on = self._settings.select_on
        checkpoints = Checkpoints(
            self._folder,
            backbone,
            constants,
            metric=None if select_on == "last" else f"val_{select_on}",
            patience=self._settings.patience,
            first=_first_epoch(self._settings),
            data_seconds=lambda: self.batches.seconds,
        )
        checkpoints.restore(model)
        done, score = len(checkpoints.history), f"val_{self._settings.figure}"
        if done:
            say(self._console, f"Fold {self._fold.name}: goes on after epoch {done}.")
        if done < self._settings.epochs and not checkpoints.finished:
            fit(
                model,
                self.batches,
                self._settings,
                self._console,
                callbacks=self._callbacks(backbone, scores, checkpoints),
                initial_epoch=done,
                score=(score, self._task.figures[self._settings.figure]),
                best=max((row.get(score, 0.0) for row in checkpoints.history), default=0.0),
            )
        checkpoints.load_best()
        scale_outputs(backbone, *self._task.scale)
        calibration = scores and self._task.calibration(scores.logits(), scores.decided)
        if calibration:
            scale_outputs(backbone, 1 / calibration.temperature)
        return backbone, checkpoints, calibration

    def _callbacks(
        self, backbone: keras.Model, scores: ValidationScores | None, checkpoints: Checkpoints
    ) -> list[keras.callbacks.Callback]:
        """Scores come first, and the checkpoint after all that it is to be the last word on."""
        settings = self._settings
        found: list[keras.callbacks.Callback] = []
        if settings.prune_latency is not None:
            found.append(kr.PruningRounds(settings.prune_rounds))
        if scores is not None:
            found.append(scores)
        if settings.diagnostics:
            done = len(checkpoints.history)
            found.append(DiagnosticsRecorder(self._folder, backbone, done))
        found.append(checkpoints)
        if settings.tensorboard:
            found.append(
                keras.callbacks.TensorBoard(self._folder / "tensorboard", write_graph=False)
            )
        return found

    def decided(self, scores: np.ndarray) -> Decided:
        """What is decided about the validation split."""
        rule = self._settings.decision_rule
        found = decide(self._fold.validation, scores, self._task, rule=rule)
        return decided(*found, self._task)


def _first_epoch(settings: RecipeSettings) -> int:
    """The first one that may be kept: pruned, the model is another one before."""
    return 0 if settings.prune_latency is None else settings.prune_rounds
