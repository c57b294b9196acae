"""`HRFConv1D`: a `keras.layers.Conv1D` whose kernel is a product of factors."""

from typing import Any

import keras

from keras_reparam.layers.hrf import HRF
from keras_reparam.layers.hrf_layer import HRFLayer
from keras_reparam.layers.products import convolution
from keras_reparam.layers.training_form import training_form


@training_form(HRF, keras.layers.Conv1D, name="HRFConv1D")
class HRFConv1D(HRFLayer, keras.layers.Conv1D):
    """One-dimensional convolution with a factorized kernel: drop-in for `keras.layers.Conv1D`.

        conv(x, K) + b,  K = K1 K2,  b = b1 K2 + b2

    with the kernel `(size, channels, filters)` read as a matrix `(size * channels, filters)`:
    `K1` is a convolution of the same size into `R = expansion * filters` channels, `K2` a
    convolution of size one. With `groups > 1` each group has a product of its own.
    Folding, initial values, regularizers, constraints and merging are those of `HRFDense`.

    Args:
        filters: Output channels.
        kernel_size: Length of the window.
        expansion: Positive integer r.
        factors: 2 or 3 matrices.
        expansion_base: `"units"`: `R = r * filters`; `"input"`: `R = r * size * channels`.
        hrf_bias: Whether the inner factors carry a bias.
        folded, frozen_factors: Ablations: see `HRF`; a convolution is always folded.
        kernel_quantizer: See `HRFDense`.
        **conv_options: Every option of `keras.layers.Conv1D`, with its meaning there.

    Raises:
        ValueError: For an option out of its range.

    Example:

    >>> layer = HRFConv1D(4, 3, expansion=2, padding="causal")
    >>> layer(np.ones((2, 10, 3), "float32")).shape == (2, 10, 4)
    True
    >>> type(layer.merge()) is keras.layers.Conv1D
    True
    """

    def __init__(
        self,
        filters: int,
        kernel_size: int | tuple[int],
        *,
        expansion: int = 4,
        factors: int = 2,
        expansion_base: str = "units",
        hrf_bias: bool = True,
        folded: bool = True,
        frozen_factors: bool = False,
        kernel_quantizer: Any = None,
        **conv_options: Any,
    ) -> None:
        super().__init__(filters, kernel_size, **conv_options)
        self._set_options(
            expansion=expansion,
            factors=factors,
            expansion_base=expansion_base,
            hrf_bias=hrf_bias,
            folded=folded,
            frozen_factors=frozen_factors,
            kernel_quantizer=kernel_quantizer,
        )

    def call(self, inputs: Any) -> Any:
        return convolution(self, inputs, *self._folded())

    def _to_matrix(self, kernel: Any, xp: Any) -> Any:
        rows, columns = kernel.shape[0] * kernel.shape[1], self.filters // self.groups
        if self.groups == 1:
            return xp.reshape(kernel, (rows, columns))
        return xp.transpose(xp.reshape(kernel, (rows, self.groups, columns)), (1, 0, 2))

    def _from_matrix(self, matrix: Any, xp: Any) -> Any:
        if self.groups > 1:
            matrix = xp.transpose(matrix, (1, 0, 2))
        channels = matrix.shape[0] // self.kernel_size[0]
        return xp.reshape(matrix, (self.kernel_size[0], channels, self.filters))

    def _to_row(self, bias: Any, xp: Any) -> Any:
        if self.groups == 1:
            return xp.reshape(bias, (1, self.filters))
        return xp.reshape(bias, (self.groups, 1, self.filters // self.groups))

    def _from_row(self, row: Any, xp: Any) -> Any:
        return xp.reshape(row, (self.filters,))
