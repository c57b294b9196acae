"""`HRFConv1D`: a `keras.layers.Conv1D` whose kernel is a product of factors."""

from typing import Any

import keras
from keras import ops

from keras_reparam.layers.hrf_layer import HRFLayer, name_as_plain


@name_as_plain
@keras.saving.register_keras_serializable(package="keras_reparam", name="HRFConv1D")
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

    plain_class = keras.layers.Conv1D

    def __init__(
        self,
        filters: int,
        kernel_size: int | tuple[int],
        *,
        expansion: int = 4,
        factors: int = 2,
        expansion_base: str = "units",
        hrf_bias: bool = True,
        **conv_options: Any,
    ) -> None:
        super().__init__(filters, kernel_size, **conv_options)
        self._set_options(
            expansion=expansion, factors=factors, expansion_base=expansion_base, hrf_bias=hrf_bias
        )

    def call(self, inputs: Any) -> Any:
        kernel, bias = self._folded()
        channels_last = self.data_format == "channels_last"
        padding = self.padding
        if padding == "causal":
            left = self.dilation_rate[0] * (self.kernel_size[0] - 1)
            width = [[0, 0], [left, 0], [0, 0]] if channels_last else [[0, 0], [0, 0], [left, 0]]
            inputs, padding = ops.pad(inputs, width), "valid"
        outputs = ops.conv(
            inputs,
            kernel,
            strides=list(self.strides),
            padding=padding,
            dilation_rate=self.dilation_rate,
            data_format=self.data_format,
        )
        if bias is not None:
            shape = (1, 1, self.filters) if channels_last else (1, self.filters, 1)
            outputs = ops.add(outputs, ops.reshape(bias, shape))
        return outputs if self.activation is None else self.activation(outputs)

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
