"""From a Keras model to a `.tflite` file, and from speech to scores with it.

Names are resolved at first use, so that classifying imports neither Keras nor TensorFlow.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
