"""The `.tflite` file itself: its bytes, tensors, metadata and versions. No Keras."""
