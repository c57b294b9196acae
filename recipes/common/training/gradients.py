"""Optimisers that see the gradient of the whole batch, and keep its norm."""

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from recipes.common.training.distribution import replicas


class WholeGradients:
    """Mixin of optimisers: on several devices, gradients are added up before they are clipped.

    On TensorFlow, Keras clips what each device found in its part of the batch, and adds that up
    afterwards, which is another training than that on one device. So the devices' mean is formed
    first; Keras's sum of what all of them have is then the whole gradient again. The optimiser
    must get `clipnorm` divided by the number of devices. On JAX a gradient is always whole.

    Source: `keras/src/backend/tensorflow/optimizer.py` of Keras 3.15.
    """

    def apply(self, grads: Sequence[Any], trainable_variables: Any = None) -> None:
        """Updates the variables."""
        super().apply(_mean_over_devices(grads), trainable_variables)


class GradientNorms:
    """Mixin of optimisers: keeps the norm of the gradient of all weights, before clipping.

    Variables of its own, which checkpoints have like the others, hold the sum over the steps since
    `reset_norms`. Updates are those of the optimiser without it. Steps that a
    `keras.optimizers.LossScaleOptimizer` leaves out don't count.
    """

    def build(self, variables: list[keras.Variable]) -> None:
        """Makes the optimiser's variables."""
        super().build(variables)
        options = {"shape": (), "dtype": "float32", "aggregation": "only_first_replica"}
        self._norms = self.add_variable(name="gradient_norms", **options)
        self._steps = self.add_variable(name="gradient_steps", **options)

    def apply(self, grads: Sequence[Any], trainable_variables: Any = None) -> None:
        """Updates the variables."""
        found = [ops.cast(grad, "float32") for grad in grads if grad is not None]
        norm = ops.sqrt(sum(ops.sum(ops.square(grad)) for grad in found))
        # Of the devices' mean, which `WholeGradients` has made.
        self._norms.assign_add(norm * replicas())
        self._steps.assign_add(1.0)
        super().apply(grads, trainable_variables)

    def reset_norms(self) -> None:
        """Begins a new mean."""
        self._norms.assign(0.0)
        self._steps.assign(0.0)

    def mean_norm(self) -> float:
        """Mean over the steps since the last reset; no number if there were none."""
        norms, steps = (float(ops.convert_to_numpy(v)) for v in (self._norms, self._steps))
        return norms / steps if steps else float("nan")


def _mean_over_devices(grads: Sequence[Any]) -> list[Any]:
    import tensorflow as tf

    context = tf.distribute.get_replica_context()
    found = iter(context.all_reduce("MEAN", [grad for grad in grads if grad is not None]))
    return [None if grad is None else next(found) for grad in grads]
