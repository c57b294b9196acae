"""Log-mel features, augmentation and audio files.

Names are resolved at first use, so that reading a file imports neither Keras nor TensorFlow.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
