"""`Integer`: a kernel of integers of a few bits, one scale a channel."""

import dataclasses
import numbers
from typing import Any, ClassVar

import keras
from keras import ops

from keras_reparam.quantizers.quantizer import Quantizer, largest_of


@keras.saving.register_keras_serializable(package="keras_reparam")
@dataclasses.dataclass(frozen=True)
class Integer(Quantizer):
    """Symmetric integers, as TFLite stores kernels.

        a round(K / a),  a = max|K| / (2^(bits - 1) - 1)

    for every channel. The gradient goes to `K` as it is.

    Args:
        bits: 2 to 8.

    Raises:
        ValueError: For other `bits`.

    Example:

    >>> codes, scale = Integer(4).codes_and_scale(np.array([[0.7], [0.24], [-0.33]], "float32"))
    >>> codes[:, 0].tolist(), scale.round(6).tolist()
    ([7, 2, -3], [[0.1]])

    Reference:

    - Jacob et al., arXiv 1712.05877, section 3: training with simulated quantization.
    """

    name: ClassVar[str] = "integer"

    bits: int = 8

    def __post_init__(self) -> None:
        bits = self.bits
        if not isinstance(bits, numbers.Integral) or isinstance(bits, bool) or not 2 <= bits <= 8:
            raise ValueError(
                "`bits` must be an integer from 2 to 8; for binary kernels there is "
                f"`keras_reparam.quantizers.ScaledSign`. Received: bits={bits!r}"
            )
        # NumPy's integers do not go into a config.
        object.__setattr__(self, "bits", int(bits))

    @property
    def levels(self) -> int:
        return 2 * self._largest + 1

    @property
    def _largest(self) -> int:
        return 2 ** (self.bits - 1) - 1

    def codes(self, kernel: Any, variables: dict[str, Any]) -> Any:
        scale = self.scale(kernel, None, variables, ops)
        return ops.round(kernel / ops.where(scale > 0, scale, 1.0))

    def scale(self, kernel: Any, codes: Any, variables: dict[str, Any], xp: Any) -> Any:
        return largest_of(xp.abs(kernel), xp) / self._largest
