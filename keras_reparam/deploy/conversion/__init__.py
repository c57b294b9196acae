"""From a Keras model to a `.tflite` file: convert, quantize, write."""
