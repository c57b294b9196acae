"""`ScaledSign`: two values a channel, a binary kernel."""

import dataclasses
from typing import Any, ClassVar

import keras
from keras import ops

from keras_reparam.quantizers.quantizer import Quantizer, gradient_alone, mean_of, signs


@keras.saving.register_keras_serializable(package="keras_reparam")
@dataclasses.dataclass(frozen=True)
class ScaledSign(Quantizer):
    """A binary kernel, `a sign(K)` with `a = mean|K|` of the channel; the sign of zero is 1.

    The gradient is the derivative of the formula, through `a` as well, with the derivative of
    `sign` taken as 1. TFLite has no weights of one bit: in a file a binary kernel takes the two
    bits of a ternary one.

    Example:

    >>> codes, scale = ScaledSign().codes_and_scale(np.array([[1.0], [0.0], [-2.0]], "float32"))
    >>> codes[:, 0].tolist(), scale.tolist()
    ([1, 1, -1], [[1.0]])

    Reference:

    - Rastegari et al., XNOR-Net, arXiv 1603.05279, section 3.1.
    """

    name: ClassVar[str] = "scaled_sign"
    bits: ClassVar[int] = 2
    levels: ClassVar[int] = 2

    def codes(self, kernel: Any, variables: dict[str, Any]) -> Any:
        return signs(kernel)

    def scale(self, kernel: Any, codes: Any, variables: dict[str, Any], xp: Any) -> Any:
        return mean_of(xp.abs(kernel), xp)

    def slope(self, kernel: Any, codes: Any, scale: Any, variables: dict[str, Any]) -> Any:
        return scale * codes + ops.stop_gradient(scale) * gradient_alone(kernel)
