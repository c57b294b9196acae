"""Methods, and the drop-in layers in which they train: `HRF`, `Branches`, `Quantized`, `Pruned`."""

from keras_reparam.layers.branched_convolutions import (
    BranchedConv1D,
    BranchedDepthwiseConv1D,
    BranchedDepthwiseConv2D,
)
from keras_reparam.layers.branches import Branches
from keras_reparam.layers.hrf import HRF
from keras_reparam.layers.hrf_conv1d import HRFConv1D
from keras_reparam.layers.hrf_dense import HRFDense
from keras_reparam.layers.hrf_einsum_dense import HRFEinsumDense
from keras_reparam.layers.hrf_layer import HRFLayer
from keras_reparam.layers.pruned import Pruned
from keras_reparam.layers.pruned_dense import PrunedDense
from keras_reparam.layers.quantized import Quantized
from keras_reparam.layers.quantized_layers import (
    QuantizedConv1D,
    QuantizedDense,
    QuantizedEinsumDense,
)
from keras_reparam.layers.reparam_config import ReparamConfig
from keras_reparam.layers.reparam_layer import ReparamLayer
from keras_reparam.layers.training_form import training_form

__all__ = [
    "HRF",
    "BranchedConv1D",
    "BranchedDepthwiseConv1D",
    "BranchedDepthwiseConv2D",
    "Branches",
    "HRFConv1D",
    "HRFDense",
    "HRFEinsumDense",
    "HRFLayer",
    "Pruned",
    "PrunedDense",
    "Quantized",
    "QuantizedConv1D",
    "QuantizedDense",
    "QuantizedEinsumDense",
    "ReparamConfig",
    "ReparamLayer",
    "training_form",
]
