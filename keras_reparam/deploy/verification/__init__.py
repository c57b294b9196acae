"""Whether a `.tflite` file does what its model does."""
