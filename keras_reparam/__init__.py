"""Transformer re-parameterization for Keras 3: train wide, deploy light.

The names resolve at first use, so that a program that only classifies speech with a `.tflite`
file never imports Keras or TensorFlow.
"""

import sys

import lazy_loader

__version__ = "0.1.0"

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submodules=["audio", "deploy", "layers", "models", "transforms"],
    submod_attrs={
        "deploy": ["export_tflite", "load_classifier"],
        "transforms": ["MergeError", "expand", "merge", "summary"],
    },
)

# `keras.saving.load_model` finds a layer of ours only once it is registered. With Keras already
# imported (the usual order) that costs milliseconds; without it, the first use does it.
if "keras" in sys.modules:
    from keras_reparam import audio as audio
    from keras_reparam import layers as layers
    from keras_reparam import models as models
    from keras_reparam import transforms as transforms
