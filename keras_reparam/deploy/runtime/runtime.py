"""Runs a `.tflite` file. Imports neither Keras nor TensorFlow."""

import threading

import numpy as np

from keras_reparam._utils.quiet import quiet


class Runtime:
    """A `.tflite` with one input and one output of class scores, each float32 or int8.

    Callers give and get real values: those of an int8 tensor are converted with the scale and
    zero point that the file holds.

    Args:
        model: Bytes of the file; they may come from anywhere.
        origin: How errors name the file.
        num_threads: Threads that LiteRT may use. A light model takes a millisecond, and more
            threads mostly cost more than they give.

    Raises:
        ValueError: If the bytes are no such model.
    """

    def __init__(self, model: bytes, *, origin: str = "the model", num_threads: int = 1) -> None:
        with quiet():
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
        if len(inputs) != 1 or not _is_real(inputs[0]) or inputs[0]["shape"][:1].tolist() != [1]:
            raise ValueError(
                "Expected a model with one float32 or int8 input of batch 1. Received: "
                f"{origin} with inputs {_described(inputs)}"
            )
        if len(outputs) != 1 or not _is_real(outputs[0]) or len(outputs[0]["shape"]) != 2:
            raise ValueError(
                "Expected a model with one float32 or int8 output [1, classes]. Received: "
                f"{origin} with outputs {_described(outputs)}"
            )
        self.input_shape = tuple(inputs[0]["shape"].tolist())
        self.num_classes = int(outputs[0]["shape"][1])
        self._input, self._output = inputs[0], outputs[0]
        self._lock = threading.Lock()

    def __call__(self, example: np.ndarray) -> np.ndarray:
        """Scores `(classes,)` of one input without its batch axis."""
        # The interpreter keeps the tensors: two threads would overwrite each other's.
        with self._lock:
            self._interpreter.set_tensor(self._input["index"], _stored(example, self._input)[None])
            self._interpreter.invoke()
            return _real(self._interpreter.get_tensor(self._output["index"])[0], self._output)


def _described(tensors: list[dict]) -> list[tuple[str, list[int]]]:
    return [(tensor["dtype"].__name__, tensor["shape"].tolist()) for tensor in tensors]


def _is_real(tensor: dict) -> bool:
    quantized = tensor["dtype"] == np.int8 and tensor["quantization"][0] > 0
    return tensor["dtype"] == np.float32 or quantized


def _stored(values: np.ndarray, tensor: dict) -> np.ndarray:
    values = np.asarray(values, "float32")
    if tensor["dtype"] == np.float32:
        return values
    scale, zero_point = tensor["quantization"]
    return np.clip(np.round(values / scale) + zero_point, -128, 127).astype("int8")


def _real(values: np.ndarray, tensor: dict) -> np.ndarray:
    if tensor["dtype"] == np.float32:
        return values
    scale, zero_point = tensor["quantization"]
    return (values.astype("float32") - zero_point) * np.float32(scale)
