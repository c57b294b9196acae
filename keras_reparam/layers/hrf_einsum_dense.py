"""`HRFEinsumDense`: a `keras.layers.EinsumDense` whose kernel is a product of factors."""

from typing import Any

import keras

from keras_reparam.layers.einsum_kernel import EinsumKernel, split_equation
from keras_reparam.layers.hrf import HRF
from keras_reparam.layers.hrf_layer import HRFLayer
from keras_reparam.layers.training_form import training_form


@training_form(HRF, keras.layers.EinsumDense, name="HRFEinsumDense")
class HRFEinsumDense(EinsumKernel, HRFLayer, keras.layers.EinsumDense):
    """Einsum layer with a factorized kernel: drop-in for `keras.layers.EinsumDense`.

        activation(einsum(equation, x, K) + b),  K = K1 K2,  b = b1 K2 + b2

    The kernel is read as a matrix: its rows are the axes that the equation sums over, its
    columns those that it keeps. For `"abc,cde->abde"` that is `(c, d * e)`.
    Folding, initial values, regularizers, constraints and merging are those of `HRFDense`.

    Args:
        equation: Einsum equation `"input,kernel->output"`.
        output_shape: Expected output shape, as in `keras.layers.EinsumDense`.
        expansion: Positive integer r.
        factors: 2 or 3 matrices.
        expansion_base: `"units"`: `R = r * columns`; `"input"`: `R = r * rows`.
        hrf_bias: Whether the inner factors carry a bias. It needs a bias that covers all kept
            axes of the kernel to merge into; without `bias_axes` the merged layer gets one.
        folded, frozen_factors: Ablations: see `HRF`; an einsum kernel is always folded.
        kernel_quantizer: See `HRFDense`.
        **einsum_options: Every option of `keras.layers.EinsumDense`, with its meaning there.

    Raises:
        ValueError: For an option out of its range; for an equation that sums over no axis of the
            kernel; for `hrf_bias=True` with `bias_axes` that leave out a kept axis.

    Example:

    >>> layer = HRFEinsumDense("abc,cde->abde", (None, 2, 4), bias_axes="de", expansion=2)
    >>> layer(np.ones((2, 5, 3), "float32")).shape == (2, 5, 2, 4)
    True
    >>> type(layer.merge()) is keras.layers.EinsumDense
    True
    """

    def __init__(
        self,
        equation: str,
        output_shape: int | tuple[int | None, ...],
        *,
        expansion: int = 4,
        factors: int = 2,
        expansion_base: str = "units",
        hrf_bias: bool = True,
        folded: bool = True,
        frozen_factors: bool = False,
        kernel_quantizer: Any = None,
        **einsum_options: Any,
    ) -> None:
        super().__init__(equation, output_shape, **einsum_options)
        self._set_options(
            expansion=expansion,
            factors=factors,
            expansion_base=expansion_base,
            hrf_bias=hrf_bias,
            folded=folded,
            frozen_factors=frozen_factors,
            kernel_quantizer=kernel_quantizer,
        )

    @classmethod
    def obstacle_to(cls, layer: keras.layers.Layer, method: HRF) -> str:
        if not split_equation(layer.equation)[0]:
            return f"its equation {layer.equation!r} sums over no axis of the kernel"
        return super().obstacle_to(layer, method)

    @classmethod
    def holds_inner_bias(cls, layer: keras.layers.Layer) -> bool:
        return layer.bias is not None and holds_inner_bias(layer.equation, layer.bias_axes)

    def _set_options(self, **options: Any) -> None:
        super()._set_options(**options)
        columns = split_equation(self.equation)[1]
        if self.hrf_bias and not holds_inner_bias(self.equation, self.bias_axes):
            raise ValueError(
                f"`hrf_bias=True` needs a bias over all of the kernel's kept axes {columns!r} "
                f"to merge into. Received: bias_axes={self.bias_axes!r}. Pass hrf_bias=False."
            )

    def call(self, inputs: Any, training: bool | None = None) -> Any:
        return self._apply(inputs, *self._folded())

    def _to_row(self, bias: Any, xp: Any) -> Any:
        _, columns, _ = split_equation(self.equation)
        kept = _in_output_order(self.equation)
        bias = xp.reshape(bias, [self._sizes[letter] for letter in kept])
        bias = xp.transpose(bias, [kept.index(letter) for letter in columns])
        return xp.reshape(bias, (1, self._size(columns)))

    def _from_row(self, row: Any, xp: Any) -> Any:
        _, columns, _ = split_equation(self.equation)
        kept = _in_output_order(self.equation)
        bias = xp.reshape(row, [self._sizes[letter] for letter in columns])
        bias = xp.transpose(bias, [columns.index(letter) for letter in kept])
        # As Keras shapes it: from the first biased axis of the output to the last, ones between.
        output = self.equation.split("->")[1].replace("...", ".")
        shape = [self._sizes.get(x, 1) if x in kept else 1 for x in output]
        return xp.reshape(bias, shape[output.index(kept[0]) :])

    @classmethod
    def _bias_config(cls, config: dict[str, Any]) -> dict[str, Any]:
        return {"bias_axes": _in_output_order(config["equation"])}


def holds_inner_bias(equation: str, bias_axes: str | None) -> bool:
    """Whether a bias over `bias_axes` (or over none yet) can take up the inner factors' biases."""
    return bias_axes is None or set(bias_axes) == set(split_equation(equation)[1])


def _in_output_order(equation: str) -> str:
    columns, output = split_equation(equation)[1], equation.split("->")[1]
    return "".join(letter for letter in output if letter in columns)
