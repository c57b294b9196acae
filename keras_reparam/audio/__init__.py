"""Log-mel features, augmentation and audio files.

Names are resolved at first use, so that reading a file imports neither Keras nor TensorFlow.
"""

import sys

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "log_mel": ["LogMel"],
        "masking": ["frame_mask"],
        "reading": ["load", "read_blocks"],
        "spec_augment": ["SpecAugment"],
    },
)

# `keras.saving.load_model` finds the layers only once they are registered.
if "keras" in sys.modules:
    from keras_reparam.audio import log_mel as log_mel
    from keras_reparam.audio import spec_augment as spec_augment
