"""Backbones for speech: features `(batch, frames, mels)` to logits `(batch, classes)`.

Names are resolved at first use, so that `python -m keras_reparam.models` decides how Keras is
imported.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
