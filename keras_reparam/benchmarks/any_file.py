"""Loads a `.tflite` file of any inputs and outputs."""

from typing import TYPE_CHECKING, Any

import numpy as np

from keras_reparam._utils.quiet import quiet
from keras_reparam.deploy.inspection.try_out import try_graph

if TYPE_CHECKING:
    from ai_edge_litert.interpreter import Interpreter


def load_any(
    content: bytes, *, origin: str, num_threads: int = 1, **options: Any
) -> tuple["Interpreter", list[np.ndarray]]:
    """A `.tflite` file that has run once, and the inputs that it ran on.

    Args:
        content: Bytes of the file.
        origin: How errors name it.
        num_threads: Threads that LiteRT may use.
        **options: Further options of the interpreter.

    Returns:
        The interpreter and an array for every input: noise, and whatever integers it takes.

    Raises:
        ValueError: If LiteRT can't run it.
    """
    with quiet():
        from ai_edge_litert.interpreter import Interpreter

        def load() -> Interpreter:
            return Interpreter(model_content=content, num_threads=num_threads, **options)

        try:
            return try_graph(load, finite=False)
        except (ValueError, RuntimeError) as error:
            reason = (str(error).strip().splitlines() or ["unknown"])[0]
    raise ValueError(f"LiteRT can't run {origin}: {reason}")
