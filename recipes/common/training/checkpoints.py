"""What is kept after every epoch."""

import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import keras

from recipes.common.files.disk import explaining_a_full_disk
from recipes.common.files.rows import write_rows
from recipes.common.names import BEST, CHECKPOINT, HISTORY
from recipes.common.training.checkpoint import read_variables, write_variables
from recipes.common.training.validation_scores import averaged_weights


class Checkpoints(keras.callbacks.Callback):
    """Keeps all that a stopped training needs to go on, the best epoch's weights, and the history.

    Args:
        folder: Where they are kept.
        backbone: Whose weights are kept.
        constants: Variables of the training model that training does not change.
        metric: The epoch with the highest value of this log is the best, the first one of equals;
            `None`: the last one.
        patience: Training stops after so many epochs that are not; `None`: never early.
        first: The first epoch, counted from 0, that may be the best: of a model that is pruned
            on the way the first one of what is left.
        data_seconds: Gives the time spent on making batches so far.

    Attributes:
        history: One row per epoch: `epoch` (from 1), the logs, `seconds` of the whole epoch, and
            `data_seconds` of it that batches took to make.
    """

    def __init__(
        self,
        folder: Path,
        backbone: keras.Model,
        constants: Sequence[keras.Variable],
        *,
        metric: str | None,
        patience: int | None,
        first: int = 0,
        data_seconds: Callable[[], float],
    ):
        super().__init__()
        self._folder, self._backbone = folder, backbone
        self._constants = {id(variable) for variable in constants}
        self._metric, self._patience, self._data_seconds = metric, patience, data_seconds
        self._first = first
        self._data_before = 0.0
        self.history: list[dict[str, float]] = []

    def restore(self, model: keras.Model) -> None:
        """Brings a compiled training model to where the last run stopped, if there was one."""
        if (self._folder / CHECKPOINT).exists():
            about = read_variables(self._folder / CHECKPOINT, self._state(model))
            self.history = about["history"]
            # It may lack the last row.
            self._write_history()

    @property
    def best(self) -> Mapping[str, float]:
        """The best epoch's row."""
        if self._metric is None:
            return self.history[-1]
        return max(
            self.history[self._first :] or self.history[-1:], key=lambda row: row[self._metric]
        )

    @property
    def finished(self) -> bool:
        """Whether there has been no better epoch for as long as patience lasts."""
        if not self.history or self._patience is None:
            return False
        return self.history[-1]["epoch"] - self.best["epoch"] >= self._patience

    def load_best(self) -> None:
        """Gives the backbone its weights of the best epoch."""
        read_variables(self._folder / BEST, self._backbone.variables)

    def on_epoch_begin(self, epoch, logs=None):
        self._start = time.perf_counter()

    def on_epoch_end(self, epoch, logs=None):
        data = self._data_seconds()
        row = {"epoch": epoch + 1, **{name: float(value) for name, value in logs.items()}}
        row["seconds"] = time.perf_counter() - self._start
        row["data_seconds"], self._data_before = data - self._data_before, data
        self.history.append(row)
        # The best weights first: where the checkpoint is not reached, the epoch is done again.
        if self.best is row:
            with averaged_weights(self.model):
                write_variables(self._folder / BEST, self._backbone.variables, {})
        write_variables(
            self._folder / CHECKPOINT, self._state(self.model), {"history": self.history}
        )
        self._write_history()
        if self.finished:
            self.model.stop_training = True

    def _write_history(self):
        path = self._folder / HISTORY
        with explaining_a_full_disk(f"'{path}'"):
            write_rows(path, list(self.history[0]), self.history)

    def _state(self, model: keras.Model) -> list[keras.Variable]:
        """Weights, the optimiser's variables, and the states of all generators of numbers."""
        # Metrics begin anew in every epoch.
        left_out = self._constants | {id(variable) for variable in model.metrics_variables}
        found = [variable for variable in model.variables if id(variable) not in left_out]
        return [*found, *model.optimizer.variables]
