"""`HRFDense`: a `keras.layers.Dense` whose kernel is a product of factors."""

from typing import Any

import keras
from keras import ops

from keras_reparam.layers.hrf import HRF
from keras_reparam.layers.hrf_layer import HRFLayer
from keras_reparam.layers.products import dense
from keras_reparam.layers.training_form import training_form


@training_form(HRF, keras.layers.Dense, name="HRFDense")
class HRFDense(HRFLayer, keras.layers.Dense):
    """Densely connected layer with a factorized kernel: drop-in for `keras.layers.Dense`.

        y = activation((x K1 + b1) K2 + b2) = activation(x K + b),  K = K1 K2,  b = b1 K2 + b2

    `K1` is `(d, R)`, `K2` is `(R, units)`, `R = expansion * units`; with three factors
    `K = K1 K2 K3`. `K` is computed once per call in weight space and applied once to the batch.
    `merge()`, or `keras_reparam.merge` for a whole model, gives the plain layer back.

    The effective kernel starts as what `kernel_initializer` draws for a plain layer.
    Regularizers and constraints act on the *effective* kernel and bias, which are what is
    deployed: a regularizer's penalty is that of `layer.kernel`, and a constraint is applied to
    the product at each use, so that `layer.kernel` always fulfils it. Weight decay of an
    optimizer acts on the factors. `enable_lora` and `quantize` ask to merge first.

    Args:
        units: Output size.
        expansion: Positive integer r, the inner rank in multiples of the base; the paper uses
            2, 4 and 8.
        factors: 2 or 3 matrices.
        expansion_base: `"units"`: `R = r * units`; `"input"`: `R = r * d`, the sane choice where
            `units` is several times `d`.
        hrf_bias: Whether the inner factors carry a bias. If so, the merged layer has a bias even
            with `use_bias=False`.
        folded, frozen_factors: Ablations: see `HRF`.
        kernel_quantizer: A quantizer of the product, or its name: see `keras_reparam.quantizers`.
        **dense_options: Every option of `keras.layers.Dense`, with its meaning there.

    Raises:
        ValueError: For an option out of its range.

    Example:

    >>> layer = HRFDense(8, expansion=4, activation="relu")
    >>> layer(np.ones((2, 5, 3), "float32")).shape == (2, 5, 8)
    True
    >>> plain = layer.merge()
    >>> type(plain) is keras.layers.Dense, layer.count_params(), plain.count_params()
    (True, 392, 32)

    Reference:

    - Zhang et al., IEEE Internet of Things Journal 2024, arXiv 2411.09339.
    """

    def __init__(
        self,
        units: int,
        *,
        expansion: int = 4,
        factors: int = 2,
        expansion_base: str = "units",
        hrf_bias: bool = True,
        folded: bool = True,
        frozen_factors: bool = False,
        kernel_quantizer: Any = None,
        **dense_options: Any,
    ) -> None:
        super().__init__(units, **dense_options)
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
        if not method.folded and (layer.kernel_constraint or layer.bias_constraint):
            return "its effective weights are constrained, which a chain (folded=False) has not"
        return ""

    def call(self, inputs: Any, training: bool | None = None) -> Any:
        if not self.folded:
            return self._chained(inputs)
        return dense(self, inputs, *self._folded())

    def _chained(self, inputs: Any) -> Any:
        """`activation((x K1 + b1) K2 + b2)`: `N R (d + f)` products for N positions."""
        outputs = inputs
        inner = self._inner_biases or [None] * (self.factors - 1)
        for factor, bias in zip(self._factors, [*inner, self._bias], strict=True):
            outputs = ops.matmul(outputs, ops.cast(factor, self.compute_dtype))
            if bias is not None:
                outputs = ops.add(outputs, ops.cast(bias, self.compute_dtype))
        return outputs if self.activation is None else self.activation(outputs)

    def _to_matrix(self, kernel: Any, xp: Any) -> Any:
        return kernel

    def _from_matrix(self, matrix: Any, xp: Any) -> Any:
        return matrix

    def _to_row(self, bias: Any, xp: Any) -> Any:
        return xp.reshape(bias, (1, self.units))

    def _from_row(self, row: Any, xp: Any) -> Any:
        return xp.reshape(row, (self.units,))
