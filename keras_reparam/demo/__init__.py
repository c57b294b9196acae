"""A `.tflite` file in the browser: the page of `keras-reparam demo`, and what serves it."""
