"""`Quantized`: a plain layer whose kernel is trained on a grid."""

import dataclasses
from typing import Any, ClassVar

import keras

from keras_reparam import quantizers
from keras_reparam.layers.reparam_config import ReparamConfig, Sites


@keras.saving.register_keras_serializable(package="keras_reparam")
@dataclasses.dataclass(frozen=True, kw_only=True)
class Quantized(ReparamConfig):
    """One latent kernel and a quantizer: `keras_reparam.quantize_aware` of a plain layer.

    Within any layer in training form the kernel comes about in one way:

        factors K1 K2 (K3), or one latent kernel -> latent kernel -> quantizer, or none
        -> effective kernel -> one product with the batch

    A quantizer is no method of its own beside HRF but an option of the layers, `kernel_quantizer`,
    so that the two compose: `HRF` is "factors, a quantizer or none", `Quantized` is "one latent
    kernel, a quantizer"; neither of the two is the plain layer.

    Args:
        kernel_quantizer: A quantizer of `keras_reparam.quantizers`, or its name.

    Raises:
        ValueError: If it is none.

    Example:

    >>> Quantized(kernel_quantizer="ternary")
    Quantized(kernel_quantizer=Ternary())
    """

    name: ClassVar[str] = "quantized"
    default_target: ClassVar[str] = "linear layer between the first projection and the classifier"

    kernel_quantizer: Any

    def __post_init__(self) -> None:
        object.__setattr__(self, "kernel_quantizer", quantizers.get(self.kernel_quantizer))

    @property
    def keeps_function(self) -> bool:
        return False

    def targets(self, sites: Sites) -> list[keras.layers.Layer]:
        return sites.declared(self.name, sites.between)

    def obstacle(self, layer: keras.layers.Layer) -> str:
        return self.training_classes[type(layer)].obstacle_to(layer)
