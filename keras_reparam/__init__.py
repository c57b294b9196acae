"""Transformer re-parameterization for Keras 3: train wide, deploy light.

The names resolve at first use, so that a program that only classifies speech with a `.tflite`
file never imports Keras or TensorFlow.
"""

import lazy_loader

from keras_reparam._registration import register_with_keras

__version__ = "0.1.0"

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submodules=["audio", "deploy", "layers", "models", "transforms"],
    submod_attrs={
        "benchmarks.files": ["benchmark_tflite"],
        "layers": ["HRF", "Branches"],
        "deploy": ["export_tflite", "inspect_tflite", "load_classifier", "verify_tflite"],
        "transforms": ["MergeError", "expand", "merge", "summary"],
    },
)
register_with_keras()
