"""Dropout whose masks cost less."""

import math

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="keras_reparam")
class Dropout(keras.layers.Dropout):
    """`keras.layers.Dropout` with a random byte for each value: four share a 32-bit word.

    On a CPU random words are most of what dropout costs. The rate is rounded to a multiple of
    1/256, and what is kept is scaled for that one, so that the expectation stays.
    """

    def call(self, inputs, training=False):
        dropped = round(256 * self.rate)
        if not training or self.noise_shape is not None or not 0 < dropped < 256:
            return super().call(inputs, training=training)
        shape = ops.shape(inputs)
        size = math.prod(shape)
        words = keras.random.randint(
            ((size + 3) // 4, 1), -(2**31), 2**31 - 1, "int32", seed=self.seed_generator
        )
        values = ops.reshape(ops.reshape(ops.view(words, "uint8"), (-1,))[:size], shape)
        kept = ops.cast(values >= dropped, inputs.dtype)
        return inputs * (kept * (256 / (256 - dropped)))
