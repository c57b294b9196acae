"""`SoftThresholdTernary`: three values a channel as the sum of two binary kernels (STTN)."""

import dataclasses
from typing import Any, ClassVar

import keras
from keras import ops

from keras_reparam.quantizers.quantizer import Quantizer, gradient_alone, mean_of, signs


@keras.saving.register_keras_serializable(package="keras_reparam")
@dataclasses.dataclass(frozen=True)
class SoftThresholdTernary(Quantizer):
    """A ternary kernel as the sum of two binary ones, so that no threshold is set (STTN).

        a sign(W1) + a sign(W2),  a = (|W1|_1 + |W2|_1) / 2n

    for every channel: values -2a, 0 and 2a, and what becomes 0 is trained. `a` minimizes
    `|W1 - a sign(W1)|^2 + |W2 - a sign(W2)|^2`.

    The two latent kernels are kept as their sum, which is the layer's latent kernel
    `K = W1 + W2`, with factors or without, and their difference `D = W1 - W2`, the quantizer's own
    variable. `D = 0.7 mean|K|` of the channel at the start gives the pattern of `Ternary`;
    `D = 0` would never give a zero. The sign of zero is 1.

    The gradient is the derivative of the formula, through `a` as well, with the derivative of
    `sign` taken as 1.

    Example:

    >>> kernel, difference = np.array([[0.75], [0.25]]), np.array([[0.25], [-0.75]])
    >>> SoftThresholdTernary().codes_and_scale(kernel, {"difference": difference})
    (array([[1],
           [0]], dtype=int8), array([[0.75]]))

    Reference:

    - Xu et al., Soft Threshold Ternary Networks, IJCAI 2020, arXiv 2204.01234. Sum of two
      binary kernels and `a` are stated there and in the public code, whose gradient drops `a`
      and clamps the latent kernels to [-1, 1]. The exact derivative, the start and keeping sum
      and difference are this project's.
    """

    name: ClassVar[str] = "soft_threshold_ternary"
    bits: ClassVar[int] = 2
    levels: ClassVar[int] = 3

    def variables(self, kernel_shape: tuple[int, ...]) -> dict[str, tuple[int, ...]]:
        return {"difference": kernel_shape}

    def start(self, kernel: Any) -> dict[str, Any]:
        threshold = 0.7 * mean_of(ops.abs(kernel), ops)
        return {"difference": ops.broadcast_to(threshold, kernel.shape)}

    def codes(self, kernel: Any, variables: dict[str, Any]) -> Any:
        difference = variables["difference"]
        return (signs(kernel + difference) + signs(kernel - difference)) / 2

    def scale(self, kernel: Any, codes: Any, variables: dict[str, Any], xp: Any) -> Any:
        # 2a, with W1 = (K + D) / 2 and W2 = (K - D) / 2.
        difference = variables["difference"]
        return mean_of((xp.abs(kernel + difference) + xp.abs(kernel - difference)) / 2, xp)

    def slope(self, kernel: Any, codes: Any, scale: Any, variables: dict[str, Any]) -> Any:
        return scale * codes + ops.stop_gradient(scale / 2) * gradient_alone(kernel)
