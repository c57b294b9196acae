"""Running a `.tflite` file: LiteRT, and the classifier. No Keras, no TensorFlow."""
