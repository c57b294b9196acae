"""Cepstral coefficients."""

import keras
import numpy as np
from keras import ops
from scipy.fft import dct


@keras.saving.register_keras_serializable(package="keras_reparam.recipes")
class Cepstrum(keras.layers.Layer):
    """Mel-frequency cepstral coefficients of log-mel features.

    They are the first ones of the orthonormal DCT-II over the bands, as
    `librosa.feature.mfcc(S=features)` has them. Where a frame is not valid they are zero. The mask
    ends here.

    Args:
        coefficients: How many are kept.
        **kwargs: As of every Keras layer.

    Input shape:
        `(batch, frames, bands)`.

    Output shape:
        `(batch, frames, coefficients, 1)`.
    """

    def __init__(self, coefficients: int, **kwargs):
        super().__init__(**kwargs)
        self.coefficients = coefficients
        self.supports_masking = True

    def build(self, input_shape):
        basis = dct(np.eye(input_shape[-1]), norm="ortho", axis=1)
        self._basis = basis[:, : self.coefficients].astype("float32")

    def call(self, features, mask=None):
        values = ops.matmul(features, ops.cast(self._basis, features.dtype))
        if mask is not None:
            values = values * ops.cast(ops.expand_dims(mask, -1), values.dtype)
        return ops.expand_dims(values, -1)

    def compute_mask(self, inputs, previous_mask=None):
        return None

    def compute_output_shape(self, input_shape):
        return (*input_shape[:-1], self.coefficients, 1)

    def get_config(self):
        return {**super().get_config(), "coefficients": self.coefficients}
