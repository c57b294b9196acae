"""The training forms of `Quantized`: one latent kernel, on a grid at each use."""

from typing import Any

import keras

from keras_reparam.layers.einsum_kernel import EinsumKernel, split_equation
from keras_reparam.layers.latent_layer import LatentLayer
from keras_reparam.layers.products import convolution, dense
from keras_reparam.layers.quantized import Quantized
from keras_reparam.layers.training_form import training_form


class _QuantizedLayer(LatentLayer):
    """Base: the latent kernel is put on a grid."""

    @classmethod
    def obstacle_to(cls, layer: keras.layers.Layer) -> str:
        return ""


@training_form(Quantized, keras.layers.Dense, name="QuantizedDense")
class QuantizedDense(_QuantizedLayer, keras.layers.Dense):
    """`keras.layers.Dense` with a kernel on a grid; same arguments and `kernel_quantizer`.

    Example:

    >>> layer = QuantizedDense(4, kernel_quantizer="ternary")
    >>> layer(np.ones((2, 3), "float32")).shape == (2, 4)
    True
    >>> kernel = ops.convert_to_numpy(layer.merge().kernel)
    >>> max(len(np.unique(channel)) for channel in kernel.T) <= 3
    True
    """

    def __init__(self, units: int, *, kernel_quantizer: Any, **dense_options: Any) -> None:
        super().__init__(units, **dense_options)
        self._set_options(kernel_quantizer=kernel_quantizer)

    def call(self, inputs: Any, training: bool | None = None) -> Any:
        return dense(self, inputs, *self._folded())


@training_form(Quantized, keras.layers.EinsumDense, name="QuantizedEinsumDense")
class QuantizedEinsumDense(EinsumKernel, _QuantizedLayer, keras.layers.EinsumDense):
    """`keras.layers.EinsumDense` with a kernel on a grid; same arguments and `kernel_quantizer`.

    A channel is an output: for `"abc,cde->abde"` each pair of `d` and `e` has a scale.

    Example:

    >>> layer = QuantizedEinsumDense("abc,cde->abde", (None, 2, 4), kernel_quantizer="int4")
    >>> layer(np.ones((2, 5, 3), "float32")).shape == (2, 5, 2, 4)
    True
    """

    def __init__(
        self,
        equation: str,
        output_shape: int | tuple[int | None, ...],
        *,
        kernel_quantizer: Any,
        **einsum_options: Any,
    ) -> None:
        super().__init__(equation, output_shape, **einsum_options)
        self._set_options(kernel_quantizer=kernel_quantizer)

    @classmethod
    def obstacle_to(cls, layer: keras.layers.Layer) -> str:
        if not split_equation(layer.equation)[0]:
            return f"its equation {layer.equation!r} sums over no axis of the kernel"
        return ""

    def call(self, inputs: Any, training: bool | None = None) -> Any:
        return self._apply(inputs, *self._folded())


@training_form(Quantized, keras.layers.Conv1D, name="QuantizedConv1D")
class QuantizedConv1D(_QuantizedLayer, keras.layers.Conv1D):
    """`keras.layers.Conv1D` with a kernel on a grid; same arguments and `kernel_quantizer`.

    Example:

    >>> layer = QuantizedConv1D(4, 3, padding="same", kernel_quantizer="scaled_sign")
    >>> layer(np.ones((2, 10, 3), "float32")).shape == (2, 10, 4)
    True
    """

    def __init__(
        self,
        filters: int,
        kernel_size: int | tuple[int],
        *,
        kernel_quantizer: Any,
        **conv_options: Any,
    ) -> None:
        super().__init__(filters, kernel_size, **conv_options)
        self._set_options(kernel_quantizer=kernel_quantizer)

    def call(self, inputs: Any) -> Any:
        return convolution(self, inputs, *self._folded())
