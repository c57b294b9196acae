"""Quantizers: kernels that are trained on the few values that a file will hold."""

from keras_reparam.quantizers.dual_learnable_ternary import DualLearnableTernary
from keras_reparam.quantizers.get import get
from keras_reparam.quantizers.integer import Integer
from keras_reparam.quantizers.quantizer import Quantizer
from keras_reparam.quantizers.scaled_sign import ScaledSign
from keras_reparam.quantizers.soft_threshold_ternary import SoftThresholdTernary
from keras_reparam.quantizers.switched_off import switched_off
from keras_reparam.quantizers.ternary import Ternary

__all__ = [
    "DualLearnableTernary",
    "Integer",
    "Quantizer",
    "ScaledSign",
    "SoftThresholdTernary",
    "Ternary",
    "get",
    "switched_off",
]
