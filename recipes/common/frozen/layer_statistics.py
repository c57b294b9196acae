"""Mean and deviation of a weighted sum of layers, whose weights are learnt."""

import keras
from keras import ops

from recipes.common.frozen.moments import EPSILON, layers_of, pairs_of, twice_if_two


class LayerStatistics(keras.layers.Layer):
    """`sum_l s[l] x[l]`, where `s` is the softmax of learnt scores: its mean and its deviation.

    It computes in float32 whatever the global dtype policy says.

    Args:
        **kwargs: `name`, and what else every Keras layer takes.

    Input shape:
        `(batch, rows, width)`: values of `Moments`.

    Output shape:
        `(batch, 2 * width)`.
    """

    def __init__(self, **kwargs):
        super().__init__(dtype="float32", **kwargs)

    def build(self, input_shape):
        self._count = layers_of(input_shape[1])
        self._first, self._second = pairs_of(self._count)
        self._twice = twice_if_two(self._count).astype("float32")
        # Of one layer there is nothing to learn.
        self.scores = None
        if self._count > 1:
            shape = (self._count,)
            self.scores = self.add_weight(shape=shape, initializer="zeros", name="scores")

    @property
    def shares(self):
        """`(layers,)`: what each layer weighs."""
        return ops.ones(1) if self.scores is None else ops.softmax(self.scores)

    def call(self, moments):
        shares = self.shares
        pairs = ops.take(shares, self._first) * ops.take(shares, self._second) * self._twice
        means, covariances = moments[:, : self._count], moments[:, self._count :]
        mean = ops.einsum("l,blw->bw", shares, means)
        variance = ops.einsum("p,bpw->bw", pairs, covariances)
        deviation = ops.sqrt(ops.maximum(variance, 0.0) + EPSILON)
        return ops.concatenate([mean, deviation], axis=-1)

    def compute_output_shape(self, input_shape):
        return (input_shape[0], 2 * input_shape[2])
