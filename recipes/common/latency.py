"""Latency and size of the forms of one model, saved as `.keras` and `.tflite` files.

Their inferences, of noise, are interleaved, in one process of its own, on one thread: what else
the machine does slows all of them alike.
"""

import dataclasses
import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np

from keras_reparam._utils.turns import take_turns
from recipes.common.command import exit_code, keep_quiet

_WARM_UP = 5
_ONE_THREAD = {
    "TF_NUM_INTRAOP_THREADS": "1",
    "TF_NUM_INTEROP_THREADS": "1",
    "OMP_NUM_THREADS": "1",
}


@dataclasses.dataclass(frozen=True, kw_only=True)
class Latency:
    """One file: bytes, and milliseconds per inference (median, 10th and 90th percentile)."""

    file: str
    size: int
    median: float
    low: float
    high: float


def measure(files: Mapping[str, Path], *, rounds: int = 100) -> dict[str, Latency]:
    """Latencies of files by name, measured in a child process."""
    child = subprocess.run(
        [
            sys.executable,
            "-m",
            "recipes.common.latency",
            str(rounds),
            *(path.resolve() for path in files.values()),
        ],
        env={**os.environ, **_ONE_THREAD, "KERAS_BACKEND": "tensorflow"},
        cwd=Path(__file__).parents[2],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )
    if child.returncode != 0:
        lines = child.stderr.strip().splitlines() or [f"exit code {child.returncode}"]
        raise ValueError(f"The latency could not be measured: {lines[-1]}")
    return {name: Latency(**row) for name, row in zip(files, json.loads(child.stdout), strict=True)}


def _inference(path: Path) -> Callable[[], object]:
    from keras_reparam._utils.quiet import quiet

    if path.suffix != ".keras":
        from keras_reparam.deploy.runtime.runtime import Runtime

        runtime = Runtime(path.read_bytes(), origin=f"'{path}'")
        example = _noise(runtime.input_shape[1:])
        return lambda: runtime(example)
    with quiet():
        from keras_reparam.deploy.conversion.saved_model import load_model
    model = load_model(path)
    batch = _noise((1, *model.input_shape[1:]))
    return lambda: model.predict_on_batch(batch)


def _noise(shape: tuple[int, ...]) -> np.ndarray:
    return np.random.default_rng(0).normal(0, 0.1, shape).astype("float32")


def _measure_here(rounds: int, paths: Sequence[Path]) -> int:
    """What the child process does: prints the latencies as JSON."""
    inferences = [_inference(path) for path in paths]
    milliseconds = 1000 * take_turns(inferences, rounds, _WARM_UP, description="Measuring")
    low, median, high = np.percentile(milliseconds, [10, 50, 90], axis=0).tolist()
    rows = [
        Latency(
            file=str(path), size=path.stat().st_size, median=median[i], low=low[i], high=high[i]
        )
        for i, path in enumerate(paths)
    ]
    print(json.dumps([dataclasses.asdict(row) for row in rows]))
    return 0


if __name__ == "__main__":
    keep_quiet()
    rounds, *files = sys.argv[1:]
    sys.exit(exit_code("latency", lambda: _measure_here(int(rounds), list(map(Path, files)))))
