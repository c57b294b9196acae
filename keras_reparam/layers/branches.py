"""`Branches`: a convolution trained as a sum of parallel, normalized ones."""

import dataclasses
from typing import ClassVar

import keras

from keras_reparam.layers.reparam_config import ReparamConfig, Sites


@keras.saving.register_keras_serializable(package="keras_reparam")
@dataclasses.dataclass(frozen=True, kw_only=True)
class Branches(ReparamConfig):
    """Parallel branches, as in RepVGG: a convolution trained as a sum of normalized ones.

        y = N1(conv_k(x)) + N2(conv_1(x)) + N3(x) + b

    with a kernel of full length, one of length 1, and the input itself where the shapes allow it
    (as many channels out as in, stride 1). Each `N` is a batch normalization: in training by the
    batch's statistics, at inference by their moving averages, when it is a factor and an offset a
    channel, so that all of it is one convolution. `merge` writes that one out.

    Where the layer has no bias, there is none to merge an offset into: `N` then scales by the
    standard deviation and does not center, as suits a layer that a normalization follows.

    `expand` keeps the function at inference. In training the branches are normalized by the
    batch, which the plain layer is not: expand before training, or train on with care.

    By default all Conv1D, DepthwiseConv1D and DepthwiseConv2D layers with a kernel longer than 1
    are expanded, or those that the model declares (`default_reparam_layers`).

    Example:

    >>> Branches().name
    'branches'

    Reference:

    - Ding et al., RepVGG, CVPR 2021, section 3; Diverse Branch Block, CVPR 2021. That a branch
      starts with a factor of zero, and the form without bias, are this project's.
    """

    name: ClassVar[str] = "branches"
    default_target: ClassVar[str] = "convolution with a kernel longer than 1"

    def targets(self, sites: Sites) -> list[keras.layers.Layer]:
        def long() -> list[keras.layers.Layer]:
            return [x for x in sites.layers() if type(x) in self.training_classes and _is_long(x)]

        return sites.declared(self.name, long)

    def obstacle(self, layer: keras.layers.Layer) -> str:
        return "" if _is_long(layer) else "its kernel has length 1: there is nothing to branch"


def _is_long(layer: keras.layers.Layer) -> bool:
    return max(layer.kernel_size) > 1
