"""HRF as it would cost without folding: one product with the batch per factor."""

from typing import Any

import keras
from keras import ops

from keras_reparam.layers import HRFDense
from keras_reparam.layers.hrf_layer import HRFLayer


@keras.saving.register_keras_serializable(package="keras_reparam")
class ChainedHRFDense(HRFDense):
    """The function of `HRFDense` as an explicit chain of linear layers, for comparison.

        y = activation((x K1 + b1) K2 + b2)

    Outputs and gradients equal the folded form's up to rounding; with N positions a step costs
    `N R (d + f)` multiplications instead of `d R f + N d f`.

    Example:

    >>> import numpy as np
    >>> layer = ChainedHRFDense(8, expansion=4)
    >>> layer(np.ones((2, 5, 3), "float32")).shape == (2, 5, 8)
    True
    """

    def call(self, inputs: Any, training: bool | None = None) -> Any:
        outputs = inputs
        inner = self._inner_biases or [None] * (len(self._factors) - 1)
        for factor, bias in zip(self._factors, [*inner, self._bias], strict=True):
            outputs = ops.matmul(outputs, ops.cast(factor, self.compute_dtype))
            if bias is not None:
                outputs = ops.add(outputs, ops.cast(bias, self.compute_dtype))
        return outputs if self.activation is None else self.activation(outputs)


def chain(model: keras.Model) -> keras.Model:
    """Makes every `HRFDense` of a model a `ChainedHRFDense`, in place, with its weights.

    Raises:
        ValueError: If the model has another kind of HRF layer, or one whose effective kernel or
            bias is constrained: a chain has neither.
    """
    layers = [
        layer for layer in model._flatten_layers(include_self=False) if isinstance(layer, HRFLayer)
    ]
    for layer in layers:
        if not isinstance(layer, HRFDense):
            raise ValueError(f"Only Dense layers can be chained. Received: {layer}")
        if layer.kernel_constraint is not None or layer.bias_constraint is not None:
            raise ValueError(
                "A layer whose effective weights are constrained can't be chained. "
                f"Received: {layer}"
            )
    for layer in layers:
        layer.__class__ = ChainedHRFDense
    return model
