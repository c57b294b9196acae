"""Transformer re-parameterization for Keras 3: train wide, deploy light.

The names resolve at first use, so that a program that only classifies speech with a `.tflite`
file never imports Keras or TensorFlow.
"""

import lazy_loader

from keras_reparam._registration import register_with_keras

__version__ = "0.1.0"

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
register_with_keras()
