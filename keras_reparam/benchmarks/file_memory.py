"""What memory a `.tflite` file takes. Run as a program, it is the process that is measured."""

import dataclasses
import json
import os
import subprocess
import sys
from pathlib import Path

from keras_reparam._utils.child_process import python_path
from keras_reparam._utils.peak_memory import peak_memory
from keras_reparam.benchmarks.any_file import load_any

_INFERENCES = 10


@dataclasses.dataclass(frozen=True)
class FileMemory:
    """Memory of a process that runs one file, one thread, in MB.

    Attributes:
        peak: The largest resident set of the process: Python, NumPy, LiteRT and the file.
        added: What of it came with the file, beyond the imports: its bytes, the arena of the
            activations, weights in the form that the kernels take, and the pages of LiteRT's
            own code that running it touches, some MB.
    """

    peak: float
    added: float


def measure_memory(path: str | os.PathLike) -> FileMemory:
    """Loads and runs a file in a process of its own, some inferences of noise.

    Raises:
        ValueError: If LiteRT can't run the file, even if that takes the process down.
    """
    child = subprocess.run(
        [sys.executable, "-m", "keras_reparam.benchmarks.file_memory", Path(path).resolve()],
        env={**os.environ, "PYTHONPATH": python_path()},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )
    if child.returncode:
        raise ValueError(
            f"'{path}' can't be run: it ends the process that runs LiteRT (exit code "
            f"{child.returncode}). `keras-reparam inspect` may say why."
        )
    answer = json.loads(child.stdout.splitlines()[-1])
    if "error" in answer:
        raise ValueError(answer["error"])
    return FileMemory(**answer)


def _measure_here(path: str) -> dict[str, float | str]:
    # Part of the runtime, not of the file.
    import ai_edge_litert.interpreter  # noqa: F401

    before = peak_memory()
    try:
        model, _ = load_any(Path(path).read_bytes(), origin=f"'{path}'")
    except ValueError as error:
        return {"error": str(error)}
    for _ in range(_INFERENCES):
        model.invoke()
    peak = peak_memory()
    return {"peak": peak, "added": peak - before}


if __name__ == "__main__":
    print(json.dumps(_measure_here(sys.argv[1])))
