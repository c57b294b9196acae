"""What pools over the valid frames."""

import keras


class MaskedPooling(keras.layers.Layer):
    """A layer from `(batch, frames, units)` and a mask or none to `(batch, statistics * units)`.

    It has no weights, and passes no mask on. A subclass defines `call(x, mask=None)`.
    """

    statistics = 1

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.supports_masking = True

    def build(self, input_shape):
        pass

    def compute_mask(self, x, previous_mask=None):
        return None

    def compute_output_shape(self, input_shape):
        return (input_shape[0], self.statistics * input_shape[2])
