"""`get`: a quantizer from its name, its config, or itself."""

from typing import Any

import keras

from keras_reparam.quantizers.dual_learnable_ternary import DualLearnableTernary
from keras_reparam.quantizers.integer import Integer
from keras_reparam.quantizers.quantizer import Quantizer
from keras_reparam.quantizers.scaled_sign import ScaledSign
from keras_reparam.quantizers.soft_threshold_ternary import SoftThresholdTernary
from keras_reparam.quantizers.ternary import Ternary

_BY_NAME: dict[str, Quantizer] = {
    **{
        cls.name: cls() for cls in (Ternary, SoftThresholdTernary, DualLearnableTernary, ScaledSign)
    },
    "int8": Integer(8),
    "int4": Integer(4),
}
NAMES = tuple(_BY_NAME)


def get(identifier: Any) -> Quantizer:
    """A quantizer, as Keras's `get` functions find initializers and the like.

    Args:
        identifier: A quantizer; the config of one, as `keras.saving.serialize_keras_object`
            writes it; or a name: `"ternary"`, `"soft_threshold_ternary"`,
            `"dual_learnable_ternary"`, `"scaled_sign"`, `"int8"`, `"int4"`.

    Returns:
        The quantizer.

    Raises:
        ValueError: If it is none of these.

    Example:

    >>> get("int4")
    Integer(bits=4)
    """
    if isinstance(identifier, dict):
        identifier = keras.saving.deserialize_keras_object(identifier)
    if isinstance(identifier, str) and identifier in _BY_NAME:
        return _BY_NAME[identifier]
    if not isinstance(identifier, Quantizer):
        raise ValueError(
            "A quantizer must be one of `keras_reparam.quantizers`, such as `Ternary()`, or one of "
            f"the names {', '.join(NAMES)}. Received: {identifier!r}"
        )
    return identifier
