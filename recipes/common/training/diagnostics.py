"""Watches a training."""

from pathlib import Path

import keras
import numpy as np

import keras_reparam as kr
from keras_reparam.transforms.linear_layers import linear_layers
from keras_reparam.transforms.model_sites import ModelSites
from recipes.common.files.disk import explaining_a_full_disk
from recipes.common.results.diagnostics import (
    Diagnostics,
    read_diagnostics,
    six_digits,
    write_diagnostics,
)
from recipes.common.training.gradients import GradientNorms
from recipes.common.training.optimizer import without_scaling


class DiagnosticsRecorder(keras.callbacks.Callback):
    """Writes what `Diagnostics` has into the fold's folder, before the first epoch and after each.

    It must be called after what adds `val_loss` to the logs, and before the checkpoint is written:
    what the files have beyond the checkpoint is done again. Kernels are those that training moves,
    not averages of them.

    Args:
        folder: The fold's.
        backbone: Whose layers are watched.
        done: How many epochs were done before.
    """

    def __init__(self, folder: Path, backbone: keras.Model, done: int):
        super().__init__()
        self._folder, self._done = folder, done
        self._layers = watched_layers(backbone)

    def on_train_begin(self, logs=None):
        if self._done:
            self._found = read_diagnostics(self._folder).up_to(self._done)
        else:
            self._found = Diagnostics([], {path: [] for path in self._layers})
            self._add_singular_values()
            self._write()

    def on_epoch_begin(self, epoch, logs=None):
        self._optimizer.reset_norms()

    def on_epoch_end(self, epoch, logs=None):
        self._found.rows.append(
            {
                "epoch": epoch + 1,
                "loss": float(logs["loss"]),
                "val_loss": float(logs["val_loss"]),
                "gradient_norm": self._optimizer.mean_norm(),
            }
        )
        self._add_singular_values()
        self._write()

    @property
    def _optimizer(self) -> GradientNorms:
        return without_scaling(self.model.optimizer)

    def _add_singular_values(self):
        for path, layer in self._layers.items():
            kernel = keras.ops.convert_to_numpy(layer.kernel)
            values = np.linalg.svd(kernel.astype("float64"), compute_uv=False)
            self._found.singular_values[path].append(six_digits(values))

    def _write(self):
        with explaining_a_full_disk(f"the diagnostics in '{self._folder}'"):
            write_diagnostics(self._folder, self._found)


def watched_layers(backbone: keras.Model) -> dict[str, keras.layers.Layer]:
    """The first linear layer of every feed-forward network, in any form, by its path.

    A plain backbone and the same one in training form have the same paths.
    """
    method = kr.HRF()
    targets = {id(layer) for layer in method.targets(ModelSites(backbone))}
    sites = linear_layers(backbone, method)
    return {site.path: site.layer for site in sites if id(site.layer) in targets}
