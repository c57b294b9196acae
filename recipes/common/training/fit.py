"""Fits a training model."""

import keras
from rich.console import Console

from recipes.common.protocol.figure import Figure
from recipes.common.protocol.task import Task
from recipes.common.settings import TrainingSettings
from recipes.common.training.batches import TrainingBatches
from recipes.common.training.optimizer import optimizer_of
from recipes.common.training.progress_bar import ProgressBar


def prepare_to_fit(
    model: keras.Model,
    batches: TrainingBatches,
    task: Task,
    settings: TrainingSettings,
    *,
    norms: bool = False,
) -> None:
    """Compiles `model`, and gives its optimiser all its variables.

    Args:
        model: What is trained.
        batches: What it is trained on.
        task: What it learns.
        settings: Optimiser and schedule.
        norms: Whether the optimiser keeps the gradients' norms.
    """
    model.compile(
        optimizer_of(settings, len(batches), norms=norms),
        task.loss(settings),
        jit_compile=settings.xla,
    )
    # Where the first step makes its variables, TensorFlow traces that step twice.
    model.optimizer.build(model.trainable_variables)


def fit(
    model: keras.Model,
    batches: TrainingBatches,
    settings: TrainingSettings,
    console: Console,
    *,
    callbacks: list[keras.callbacks.Callback] | None = None,
    initial_epoch: int = 0,
    score: tuple[str, Figure] | None = None,
    best: float = 0.0,
) -> dict[str, list[float]]:
    """Trains a model that `prepare_to_fit` has compiled; returns the history of each log.

    Args:
        model: Trained in place.
        batches: What it is trained on.
        settings: Optimiser and schedule.
        console: Where the progress bar is drawn.
        callbacks: Further ones, called before the progress bar.
        initial_epoch: How many epochs it has been trained for already.
        score: Name of the log that tells how good an epoch was, and how it is shown; `None`: the
            progress bar tells the loss.
        best: The best of these so far.
    """
    order = keras.callbacks.LambdaCallback(on_epoch_begin=lambda epoch, _: batches.start_at(epoch))
    about = (console, settings.epochs, batches.clips)
    with ProgressBar(*about, initial_epoch, score=score, best=best) as bar:
        return model.fit(
            batches,
            epochs=settings.epochs,
            initial_epoch=initial_epoch,
            callbacks=[order, *(callbacks or []), bar],
            # Keras would shuffle the batches, too, by a generator that no checkpoint has.
            shuffle=False,
            verbose=0,
        ).history
