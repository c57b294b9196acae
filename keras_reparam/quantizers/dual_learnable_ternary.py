"""`DualLearnableTernary`: three values a channel with learnable scale and shift (TernaryLLM)."""

import dataclasses
from typing import Any, ClassVar

import keras
import numpy as np
from keras import ops

from keras_reparam.quantizers.quantizer import Quantizer, signs
from keras_reparam.quantizers.ternary import ternary_codes, ternary_scale

# Codes 63 T + k with |k| <= 64 are int8, and the shift k a / 63 is exact in them.
_STEPS, _LARGEST = 63, 64
# In place of a step of 0: the scale is 0 then, whatever the codes.
_TINY = float(np.finfo("float32").tiny)


@keras.saving.register_keras_serializable(package="keras_reparam")
@dataclasses.dataclass(frozen=True)
class DualLearnableTernary(Quantizer):
    """A ternary kernel whose scale and shift are trained: `a T + g` (DLT of TernaryLLM).

    `T` is the pattern of `Ternary` for the latent kernel; `a` and `g` are variables, one of each
    a channel, that start as its scale and 0. Gradients follow from the formula:
    `dL/da = sum(dL/dK T)`, `dL/dg = sum(dL/dK)`, and the latent kernel's is `dL/dK` as it is.

    The shift adds `g` times the sum of the inputs. After a LayerNorm that sum is a constant as
    long as its gains are equal, and the shift another bias: there is none then.
    Where there is one, the kernel is trained with `g` rounded to `k a / 63`, so that the codes
    `63 T + k` are int8 and the scale is `a / 63`: no zero point a channel is needed, which
    XNNPACK does not allow. Such a kernel is no longer ternary in a file, but has three values.

    Args:
        shift: Whether there is a shift. `None`: where the layer's input has a mean, as
            `keras_reparam.quantize_aware` finds it in the model; in a layer that is made by
            itself there is none.

    Example:

    >>> quantizer = DualLearnableTernary(shift=True)
    >>> kernel = np.array([[1.0], [0.0], [-2.0]], "float32")
    >>> variables = {"scale": np.float32([1.26]), "shift": np.float32([0.103])}
    >>> codes, scale = quantizer.codes_and_scale(kernel, variables)
    >>> codes[:, 0].tolist(), scale.round(4).tolist()
    ([68, 5, -58], [0.02])

    Reference:

    - Chen et al., TernaryLLM, arXiv 2406.07177: that scale and shift of ternary weights are
      learnable is stated. Its full text was not available: pattern, start, where a shift stands
      and its rounding are this project's.
    """

    name: ClassVar[str] = "dual_learnable_ternary"
    levels: ClassVar[int] = 3

    shift: bool | None = None

    def __post_init__(self) -> None:
        if not (self.shift is None or isinstance(self.shift, bool)):
            raise ValueError(
                "`shift` must be True, False, or None: where the input has a mean. "
                f"Received: shift={self.shift!r}"
            )

    @property
    def bits(self) -> int:
        return 8 if self.shift else 2

    def at(self, *, input_has_mean: bool) -> "DualLearnableTernary":
        return self if self.shift is not None else dataclasses.replace(self, shift=input_has_mean)

    def variables(self, kernel_shape: tuple[int, ...]) -> dict[str, tuple[int, ...]]:
        names = ("scale", "shift") if self.shift else ("scale",)
        return dict.fromkeys(names, kernel_shape[-1:])

    def start(self, kernel: Any) -> dict[str, Any]:
        scale = ops.reshape(ternary_scale(kernel, ternary_codes(kernel), ops), (-1,))
        return {"scale": scale, **({"shift": ops.zeros_like(scale)} if self.shift else {})}

    def codes(self, kernel: Any, variables: dict[str, Any]) -> Any:
        pattern = ternary_codes(kernel) * signs(variables["scale"])
        return _STEPS * pattern + self._steps(variables) if self.shift else pattern

    def scale(self, kernel: Any, codes: Any, variables: dict[str, Any], xp: Any) -> Any:
        size = xp.abs(variables["scale"])
        return size / _STEPS if self.shift else size

    def slope(self, kernel: Any, codes: Any, scale: Any, variables: dict[str, Any]) -> Any:
        trained = variables["scale"] * ops.stop_gradient(ternary_codes(kernel)) + kernel
        return trained + variables["shift"] if self.shift else trained

    @staticmethod
    def _steps(variables: dict[str, Any]) -> Any:
        """The shift in steps of `a / 63`: the integer `k`."""
        step = ops.maximum(ops.abs(variables["scale"]) / _STEPS, _TINY)
        return ops.clip(ops.round(variables["shift"] / step), -_LARGEST, _LARGEST)
