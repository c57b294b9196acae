"""Drop-in layers whose kernel is a product of factors while training."""

from keras_reparam.layers.hrf_conv1d import HRFConv1D
from keras_reparam.layers.hrf_dense import HRFDense
from keras_reparam.layers.hrf_einsum_dense import HRFEinsumDense
from keras_reparam.layers.hrf_layer import HRFLayer

__all__ = ["HRFConv1D", "HRFDense", "HRFEinsumDense", "HRFLayer"]
