"""The training form of `Pruned`."""

from typing import Any

import keras

from keras_reparam.layers.latent_layer import LatentLayer
from keras_reparam.layers.products import dense
from keras_reparam.layers.pruned import Pruned
from keras_reparam.layers.training_form import training_form


@training_form(Pruned, keras.layers.Dense, name="PrunedDense")
class PrunedDense(LatentLayer, keras.layers.Dense):
    """`keras.layers.Dense` without factors that `keras_reparam.prune` removes inputs from.

    Args:
        units: Output size.
        kernel_quantizer: A quantizer of the kernel, or its name: see `keras_reparam.quantizers`.
        **dense_options: Every option of `keras.layers.Dense`, with its meaning there.
    """

    def __init__(self, units: int, *, kernel_quantizer: Any = None, **dense_options: Any) -> None:
        super().__init__(units, **dense_options)
        self._set_options(kernel_quantizer=kernel_quantizer)

    def call(self, inputs: Any, training: bool | None = None) -> Any:
        return dense(self, inputs, *self._folded())
