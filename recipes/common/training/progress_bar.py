"""The progress of a training."""

import datetime
import time

import keras
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from recipes.common.protocol.figure import Figure


class ProgressBar(keras.callbacks.Callback):
    """One bar for the whole training: the validation score and the best so far, or else the loss;
    clips per second, and the expected end.

    Args:
        console: Where to draw; nothing is drawn unless it is a terminal.
        epochs: Number of epochs.
        clips: Clips of an epoch.
        done: Epochs that were done before.
        score: Name of the log with the validation score, and how it is shown; `None`: none.
        best: The best of those epochs.
    """

    def __init__(
        self,
        console: Console,
        epochs: int,
        clips: int,
        done: int = 0,
        *,
        score: tuple[str, Figure] | None = None,
        best: float = 0.0,
    ):
        super().__init__()
        self._score = score
        self._epochs, self._clips, self._done = epochs, clips, done
        self._best = best
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
        self._task = self._progress.add_task("compiling", total=epochs, completed=done)

    def __enter__(self):
        self._progress.start()
        return self

    def __exit__(self, *_):
        self._progress.stop()

    def on_train_begin(self, logs=None):
        self._start = time.monotonic()

    def on_epoch_end(self, epoch, logs=None):
        text = f"loss {logs['loss']:.3f}"
        if self._score is not None and self._score[0] in logs:
            name, figure = self._score
            self._best = max(self._best, logs[name])
            text = f"{figure.name} {figure.text(logs[name])}, best {figure.text(self._best)}"
        done = epoch + 1 - self._done
        seconds = (time.monotonic() - self._start) / done
        end = datetime.datetime.now() + datetime.timedelta(
            seconds=seconds * (self._epochs - epoch - 1)
        )
        text += f", {self._clips / seconds:,.0f} clips/s, ends {end:%H:%M}"
        self._progress.update(self._task, completed=epoch + 1, description=text)
