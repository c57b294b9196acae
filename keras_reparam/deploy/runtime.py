"""Runs a `.tflite` file. Imports neither Keras nor TensorFlow."""

import threading

import numpy as np

from keras_reparam.deploy.quiet import quiet


class Runtime:
    """A `.tflite` with one float32 input and one output of class scores.

    Args:
        model: Bytes of the file; they may come from anywhere.
        origin: How errors name the file.
        num_threads: Threads that LiteRT may use. A light model takes a millisecond, and more
            threads mostly cost more than they give.

    Raises:
        ValueError: If the bytes are no such model.
    """

    def __init__(self, model: bytes, *, origin: str = "the model", num_threads: int = 1) -> None:
        with quiet() as _:
            from ai_edge_litert.interpreter import Interpreter

            try:
                self._interpreter = Interpreter(model_content=bytes(model), num_threads=num_threads)
                self._interpreter.allocate_tensors()
            except (ValueError, RuntimeError) as error:
                reason = str(error).strip().splitlines()[0] if str(error).strip() else "unknown"
                failure = ValueError(f"LiteRT can't run {origin}: {reason}")
            else:
                failure = None
        if failure is not None:
            raise failure
        inputs = self._interpreter.get_input_details()
        outputs = self._interpreter.get_output_details()
        if len(inputs) != 1 or inputs[0]["dtype"] != np.float32 or inputs[0]["shape"][:1] != 1:
            raise ValueError(
                f"Expected a model with one float32 input of batch 1. Received: {origin} with "
                f"inputs {[(i['dtype'].__name__, i['shape'].tolist()) for i in inputs]}"
            )
        shape = outputs[0]["shape"].tolist()
        if len(outputs) != 1 or outputs[0]["dtype"] != np.float32 or len(shape) != 2:
            raise ValueError(
                f"Expected a model with one float32 output [1, classes]. Received: {origin} with "
                f"outputs {[(o['dtype'].__name__, o['shape'].tolist()) for o in outputs]}"
            )
        self.input_shape = tuple(inputs[0]["shape"].tolist())
        self.num_classes = shape[1]
        self._input, self._output = inputs[0]["index"], outputs[0]["index"]
        self._lock = threading.Lock()

    def __call__(self, example: np.ndarray) -> np.ndarray:
        """Scores `(classes,)` of one input without its batch axis."""
        # The interpreter keeps the tensors: two threads would overwrite each other's.
        with self._lock:
            self._interpreter.set_tensor(self._input, np.asarray(example, "float32")[None])
            self._interpreter.invoke()
            return self._interpreter.get_tensor(self._output)[0]
