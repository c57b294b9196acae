"""What a `.tflite` file is, and whether it runs, whoever wrote it. No Keras."""
