"""Log-mel features, augmentation and audio files.

Names are resolved at first use, so that reading a file imports neither Keras nor TensorFlow.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "log_mel": ["LogMel"],
        "masking": ["frame_mask"],
        "mix_up": ["MixUp"],
        "random_gain": ["RandomGain"],
        "random_noise": ["RandomNoise"],
        "random_polarity": ["RandomPolarity"],
        "random_speed": ["RandomSpeed"],
        "random_time_shift": ["RandomTimeShift"],
        "reading": ["load", "read_blocks"],
        "spec_augment": ["SpecAugment"],
    },
)
