"""`HRF`: high-rank factorization, a kernel trained as a product."""

import dataclasses
import numbers
from collections.abc import Sequence
from typing import Any, ClassVar

import keras

from keras_reparam import quantizers
from keras_reparam._utils.validation import boolean
from keras_reparam.layers.reparam_config import ReparamConfig
from keras_reparam.quantizers import Quantizer


@keras.saving.register_keras_serializable(package="keras_reparam")
@dataclasses.dataclass(frozen=True, kw_only=True)
class HRF(ReparamConfig):
    """High-rank factorization: `K = K1 K2 (K3)` while training, one kernel after `merge` (deHRF).

    Args:
        expansion: Inner rank in multiples of the base; the paper uses 2, 4 and 8.
        factors: 2 or 3 matrices.
        expansion_base: `"units"` (output size) or `"input"` (input size: the sane choice where
            `f = 4 d`). `None`: what the innermost model or layer around the kernel that has an
            attribute `expansion_base` says there, as `keras_reparam.models.Conformer` does
            (`"input"`); `"units"` where there is none.
        hrf_bias: Whether inner factors get a bias, where the layer has a bias to merge it into.
        folded: Whether the factors are multiplied once a step, before the batch. `False`, an
            ablation for Dense layers: a chain of linear layers; same function and gradients, more
            cost.
        frozen_factors: `True`, an ablation: only the factor that holds the kernel is trained; the
            others stay orthonormal, so that the step size alone differs from the plain layer's.
        kernel_quantizer: What puts the product of the factors on a grid, see
            `keras_reparam.quantizers`. Layers of a model get theirs by
            `keras_reparam.quantize_aware`.

    Raises:
        ValueError: For an option out of its range.

    Example:

    >>> HRF(expansion=8).expansion
    8

    Reference:

    - Zhang et al., IEEE Internet of Things Journal 2024, arXiv 2411.09339 (HRF, deHRF).
    """

    name: ClassVar[str] = "hrf"

    expansion: int = 4
    expansion_base: str | None = None
    factors: int = 2
    hrf_bias: bool = True
    folded: bool = True
    frozen_factors: bool = False
    kernel_quantizer: Quantizer | None = None

    def __post_init__(self) -> None:
        expansion, factors, base = self.expansion, self.factors, self.expansion_base
        if not _is_integer(expansion) or expansion < 1:
            raise ValueError(
                "`expansion` must be a positive integer (the paper uses 2, 4 and 8). "
                f"Received: expansion={expansion!r}"
            )
        if not _is_integer(factors) or factors not in (2, 3):
            raise ValueError(
                "`factors`, the number of matrices the kernel is expanded into, must be 2 or 3. "
                f"Received: factors={factors!r}"
            )
        if base not in ("units", "input", None):
            raise ValueError(
                '`expansion_base` must be "units" (inner rank = expansion x output size) or '
                f'"input" (expansion x input size). Received: expansion_base={base!r}'
            )
        for option in ("hrf_bias", "folded", "frozen_factors"):
            boolean(option, getattr(self, option))
        if self.kernel_quantizer is not None:
            if not self.folded:
                raise ValueError(
                    "A chain (folded=False) never computes the kernel that a quantizer would take. "
                    f"Received: kernel_quantizer={self.kernel_quantizer!r}"
                )
            object.__setattr__(self, "kernel_quantizer", quantizers.get(self.kernel_quantizer))
        # NumPy's integers do not go into a config.
        object.__setattr__(self, "expansion", int(expansion))
        object.__setattr__(self, "factors", int(factors))

    @property
    def keeps_function(self) -> bool:
        return self.kernel_quantizer is None

    def obstacle(self, layer: keras.layers.Layer) -> str:
        return self.training_classes[type(layer)].obstacle_to(layer, self)

    def at(self, layer: keras.layers.Layer, surroundings: Sequence[keras.layers.Layer]) -> "HRF":
        base, bias = self.expansion_base, self.hrf_bias
        if base is None:
            declared = (getattr(parent, "expansion_base", None) for parent in surroundings)
            base = next(filter(None, declared), "units")
        bias = bias and self.training_classes[type(layer)].holds_inner_bias(layer)
        return dataclasses.replace(self, expansion_base=base, hrf_bias=bias)


def _is_integer(value: Any) -> bool:
    return isinstance(value, numbers.Integral) and not isinstance(value, bool)
