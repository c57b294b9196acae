"""Optimisers that move all weights at once."""

import itertools
import math
from collections.abc import Sequence
from typing import Any

import keras
from keras import ops


class OneVector(keras.optimizers.Optimizer):
    """Mixin of optimisers: all weights are moved as one vector.

    Keras moves them one by one, with some twenty operators each, and works out the learning rate
    for each anew: most of what TensorFlow traces before a light model's first step. What becomes of
    the weights is the same, but for the rounding of the norms.

    Not for several devices, and not with `use_ema`: the averages would be the vector's.

    Args:
        clipnorm: A weight's gradient is scaled down to this norm; `None`: it is left as it is.
        **options: Of the optimiser.
    """

    def __init__(self, *, clipnorm: float | None = None, **options: Any):
        super().__init__(**options)
        # Keras's own would clip the vector.
        self._largest = clipnorm

    def build(self, variables: list[keras.Variable]) -> None:
        """Makes the optimiser's variables."""
        self._moved = tuple(variables)
        self._ends = tuple(itertools.accumulate(math.prod(weight.shape) for weight in variables))
        # Every step begins with what the weights are then.
        self._vector = keras.Variable("zeros", self._ends[-1:], "float32", name="weights")
        super().build([self._vector])

    def apply(self, grads: Sequence[Any], trainable_variables: Any = None) -> None:
        """Updates the variables; those without a gradient stay as they are."""
        if not self.built:
            self.build(trainable_variables)
        weights = self._moved if trainable_variables is None else trainable_variables
        pairs = zip(weights, grads, strict=True)
        found = {id(w): self._clipped(g) for w, g in pairs if g is not None}
        self._vector.assign(_joined(self._moved))
        gradient = _joined([found.get(id(w), ops.zeros(w.shape)) for w in self._moved])
        super().apply([gradient], [self._vector])
        for weight, value in zip(self._moved, self._values(), strict=True):
            if id(weight) in found:
                value = ops.reshape(value, weight.shape)
                weight.assign(weight.constraint(value) if weight.constraint else value)

    def get_config(self) -> dict[str, Any]:
        """What makes another one."""
        return {**super().get_config(), "clipnorm": self._largest}

    def _values(self) -> list[Any]:
        # TensorFlow can't split into one.
        between = list(self._ends[:-1])
        return ops.split(self._vector, between) if between else [self._vector]

    def _clipped(self, grad: Any) -> Any:
        if self._largest is None:
            return grad
        norm = ops.sqrt(ops.sum(ops.square(grad)))
        return grad * (self._largest / ops.maximum(norm, self._largest))


def _joined(arrays: Sequence[Any]) -> Any:
    return ops.concatenate([ops.reshape(array, (-1,)) for array in arrays])
