"""Keras callbacks for training: validation's unweighted accuracy, and a progress bar."""

import keras
import numpy as np
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from recipes.common.metrics import evaluate
from recipes.common.scores import mean_scores, softmax


class ValidationScores(keras.callbacks.Callback):
    """Adds `val_ua` and `val_loss` to the logs of every epoch.

    Both are of clips, not of windows: a clip's scores are the mean over its windows, as when the
    model is used.

    Args:
        inputs: The model's input for all windows of all validation clips.
        clips: `(windows,)`: the clip that each window belongs to.
        truth: `(clips,)`: class indices.
        labels: Class names.
        batch_size: Windows at once.
    """

    def __init__(self, inputs, clips, truth, labels, *, batch_size: int = 32):
        super().__init__()
        self._inputs, self._clips, self._truth = inputs, clips, truth
        self._labels, self._batch_size = labels, batch_size

    def on_epoch_end(self, epoch, logs=None):
        logits = self.model.predict(self._inputs, batch_size=self._batch_size, verbose=0)
        scores = mean_scores(softmax(logits), self._clips)
        truth = np.asarray(self._truth)
        logs["val_ua"] = evaluate(truth, scores.argmax(axis=1), self._labels).ua
        right = scores[np.arange(len(truth)), truth]
        logs["val_loss"] = float(-np.log(np.maximum(right, 1e-7)).mean())


class ProgressBar(keras.callbacks.Callback):
    """One bar for the whole training: the validation UA and the best so far, or else the loss.

    Args:
        console: Where to draw; nothing is drawn unless it is a terminal.
        epochs: Number of epochs.
    """

    def __init__(self, console: Console, epochs: int):
        super().__init__()
        self._epochs = epochs
        self._best = 0.0
        self._progress = Progress(
            TextColumn("Epoch"),
            MofNCompleteColumn(),
            BarColumn(bar_width=None),
            TextColumn("{task.description}"),
            TimeRemainingColumn(),
            console=console,
            transient=True,
            expand=True,
            disable=not console.is_terminal,
        )
        self._task = self._progress.add_task("compiling", total=epochs)

    def __enter__(self):
        self._progress.start()
        return self

    def __exit__(self, *_):
        self._progress.stop()

    def on_epoch_end(self, epoch, logs=None):
        text = f"loss {logs['loss']:.3f}"
        if "val_ua" in logs:
            self._best = max(self._best, logs["val_ua"])
            text = f"validation UA {logs['val_ua']:.1%}, best {self._best:.1%}"
        self._progress.update(self._task, completed=epoch + 1, description=text)
