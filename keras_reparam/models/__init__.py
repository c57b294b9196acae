"""Backbones for speech: features `(batch, frames, mels)` to logits `(batch, classes)`.

Names are resolved at first use, so that `python -m keras_reparam.models` decides how Keras is
imported.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "conformer": ["Conformer"],
        "conv_transformer": ["ConvTransformer"],
        "front_end": ["with_front_end"],
        "haffformer": ["HAFFormer"],
        "reference_state": ["load_reference_state"],
        "registry": ["create", "list"],
        "speechformer": ["SpeechFormer"],
    },
)
