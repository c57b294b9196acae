"""How long `.tflite` files take and how large they are: `python -m keras_reparam.benchmarks.files`.

The files' inferences are interleaved, in one process, on one thread: what else the machine does
slows all of them alike.
"""

import argparse
import dataclasses
import io
import json
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.progress import track
from rich.table import Table

from keras_reparam.benchmarks.environment import environment
from keras_reparam.deploy.runtime import Runtime

_WARM_UP = 10
_EXAMPLES = 8


@dataclasses.dataclass(frozen=True, kw_only=True)
class FileRow:
    """One file. Times in milliseconds per inference; `ratio` is its median to the first file's."""

    file: str
    size: int
    median: float
    low: float
    high: float
    ratio: float


@dataclasses.dataclass(frozen=True, kw_only=True)
class FileBenchmark:
    """What `benchmark_files` measured; prints as a table.

    Attributes:
        rows: One `FileRow` per file.
        environment: CPU with its vector extensions, and versions.
        rounds: Measured inferences of each file.
    """

    rows: tuple[FileRow, ...]
    environment: dict[str, str | int]
    rounds: int

    def __rich__(self) -> Table:
        named = ", ".join(f"{key} {value}" for key, value in self.environment.items())
        table = Table(
            title=f"Median of {self.rounds} inferences, one thread",
            caption=named,
            title_justify="left",
            caption_justify="left",
        )
        table.add_column("file", overflow="fold")
        for column in ("bytes", "ms", "10 % to 90 %", "ratio"):
            table.add_column(column, justify="right", no_wrap=True)
        for row in self.rows:
            table.add_row(
                row.file,
                f"{row.size:,}",
                f"{row.median:.3f}",
                f"{row.low:.3f} to {row.high:.3f}",
                f"{row.ratio:.2f}",
            )
        return table

    def __str__(self) -> str:
        console = Console(file=io.StringIO(), width=100)
        console.print(self)
        return console.file.getvalue()


def benchmark_files(paths: Sequence[str | os.PathLike], *, rounds: int = 200) -> FileBenchmark:
    """Latency and size of `.tflite` files, on noise as input.

    Args:
        paths: The files. All are measured in the same rounds.
        rounds: Measured inferences of each file.

    Returns:
        A `FileBenchmark`.

    Raises:
        FileNotFoundError: If a file is missing.
        ValueError: If a file can't be run, there is none, or `rounds` is not positive.
    """
    if isinstance(rounds, bool) or not isinstance(rounds, int) or rounds < 1:
        raise ValueError(f"`rounds` must be a positive integer. Received: rounds={rounds!r}")
    if isinstance(paths, str | os.PathLike) or not paths:
        raise ValueError(f"`paths` must be a list of files. Received: paths={paths!r}")
    files = [Path(path) for path in paths]
    models = [Runtime(file.read_bytes(), origin=f"'{file}'") for file in files]
    generator = np.random.default_rng(0)
    inputs = [
        generator.normal(0, 0.1, (_EXAMPLES, *model.input_shape[1:])).astype("float32")
        for model in models
    ]
    times = np.zeros((rounds + _WARM_UP, len(models)))
    console = Console(stderr=True)
    bar = track(
        range(len(times)),
        "Measuring",
        console=console,
        transient=True,
        disable=not console.is_terminal,
    )
    for i in bar:
        for j, model in enumerate(models):
            example = inputs[j][i % _EXAMPLES]
            start = time.perf_counter()
            model(example)
            times[i, j] = time.perf_counter() - start
    measured = 1000 * times[_WARM_UP:]
    medians = np.median(measured, axis=0)
    low, high = np.percentile(measured, [10, 90], axis=0)
    rows = tuple(
        FileRow(
            file=str(file),
            size=file.stat().st_size,
            median=float(medians[j]),
            low=float(low[j]),
            high=float(high[j]),
            ratio=float(medians[j] / medians[0]),
        )
        for j, file in enumerate(files)
    )
    return FileBenchmark(rows=rows, environment=environment("ai-edge-litert"), rounds=rounds)


def main(arguments: Sequence[str] | None = None) -> int:
    """The command."""
    parser = argparse.ArgumentParser(
        prog="python -m keras_reparam.benchmarks.files",
        description="Latency and size of .tflite files, interleaved, on one thread.",
        epilog="Example: python -m keras_reparam.benchmarks.files light.tflite int8.tflite",
    )
    parser.add_argument("files", nargs="+", metavar="FILE.tflite")
    parser.add_argument("--rounds", type=int, default=200, help="inferences of each file")
    parser.add_argument("--json", action="store_true", help="print JSON")
    options = parser.parse_args(arguments)
    try:
        result = benchmark_files(options.files, rounds=options.rounds)
    except (ValueError, OSError) as error:
        print(f"{parser.prog}: {error}", file=sys.stderr)
        return 2
    if options.json:
        print(json.dumps(dataclasses.asdict(result), indent=1))
    else:
        Console().print(result)
    return 0


if __name__ == "__main__":
    sys.exit(main())
