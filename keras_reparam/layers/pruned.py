"""`Pruned`: a plain layer from whose kernel groups of rows are being removed."""

import dataclasses
from typing import Any, ClassVar

import keras

from keras_reparam import quantizers
from keras_reparam.layers.reparam_config import ReparamConfig, Sites


@keras.saving.register_keras_serializable(package="keras_reparam")
@dataclasses.dataclass(frozen=True, kw_only=True)
class Pruned(ReparamConfig):
    """One latent kernel that takes a pruning: what `keras_reparam.prune` makes of a plain layer.

    Which groups there are, and which are left, is no option of a method but a property of any
    layer in training form, `ReparamLayer.pruning`, so that it composes with factors and
    quantizers.

    Args:
        kernel_quantizer: A quantizer of `keras_reparam.quantizers`, its name, or `None`.
    """

    name: ClassVar[str] = "pruned"
    default_target: ClassVar[str] = (
        "feed-forward network whose units lead into one Dense layer alone, and no attention with "
        "heads, whose widths are in the model's config,"
    )

    kernel_quantizer: Any = None

    def __post_init__(self) -> None:
        if self.kernel_quantizer is not None:
            object.__setattr__(self, "kernel_quantizer", quantizers.get(self.kernel_quantizer))

    @property
    def keeps_function(self) -> bool:
        return False

    def targets(self, sites: Sites) -> list[keras.layers.Layer]:
        return sites.layers()
