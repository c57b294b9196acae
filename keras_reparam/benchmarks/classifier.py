"""What `classify` adds to the interpreter: `python -m keras_reparam.benchmarks.classifier`.

The calls take turns, on one thread, and its CPU time is measured: what else the machine does is
not in it.
"""

import argparse
import dataclasses
import itertools
import os
import sys
import time
from collections.abc import Sequence

import numpy as np
from rich.table import Table

from keras_reparam._utils.environment import described, environment
from keras_reparam._utils.turns import take_turns
from keras_reparam._utils.validation import positive_int
from keras_reparam.benchmarks.command import exit_code, form_options, print_result
from keras_reparam.deploy.runtime.classifier import load_classifier
from keras_reparam.deploy.runtime.runtime import Runtime
from keras_reparam.deploy.runtime.shipped import shipped_files
from keras_reparam.deploy.tflite.tflite_buffers import read_model

_WARM_UP = 10


@dataclasses.dataclass(frozen=True, kw_only=True)
class CallRow:
    """Median CPU time of a way to score one window, in milliseconds, and what it adds."""

    call: str
    milliseconds: float
    overhead: float


def benchmark_classifier(path: str | os.PathLike, *, rounds: int = 300) -> tuple[CallRow, ...]:
    """CPU time of scoring one window by the interpreter, by `classify` and by `stream`.

    Args:
        path: A `.tflite` file that `load_classifier` takes.
        rounds: Measured calls of each kind.

    Returns:
        One `CallRow` per kind of call; the first is the interpreter alone.

    Raises:
        FileNotFoundError: If the file is missing.
        ValueError: If it can't be run, or `rounds` is not positive.
    """
    rounds = positive_int("rounds", rounds)
    classifier = load_classifier(path)
    rate = classifier.sample_rate
    floats = np.random.default_rng(0).normal(0, 0.1, classifier.window).astype("float32")
    integers = np.round(floats * 32768).astype("int16")
    # Chunks of 10 ms, as a microphone gives them: each result takes half a second of them.
    chunks = np.array_split(floats, max(1, round(100 * len(floats) / rate)))
    results = classifier.stream(itertools.cycle(chunks), rate)
    runtime = Runtime(read_model(path), origin=f"'{path}'")
    calls = {
        "interpreter alone": lambda: runtime(floats),
        "classify, float32": lambda: classifier.classify(floats, rate),
        "classify, int16": lambda: classifier.classify(integers, rate),
        "stream, chunks of 10 ms": lambda: next(results),
    }
    steps = [*calls.values()]
    seconds = take_turns(steps, rounds, _WARM_UP, description="Measuring", clock=time.thread_time)
    medians = 1000 * np.median(seconds, axis=0)
    return tuple(
        CallRow(call=name, milliseconds=float(median), overhead=float(median - medians[0]))
        for name, median in zip(calls, medians, strict=True)
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """The command."""
    parser = argparse.ArgumentParser(
        prog="python -m keras_reparam.benchmarks.classifier",
        description="What classify and stream add to the interpreter, for one window.",
        epilog="Example: python -m keras_reparam.benchmarks.classifier ser_int8.tflite",
    )
    parser.add_argument("file", nargs="?", metavar="FILE.tflite", help="default: the shipped one")
    parser.add_argument("--rounds", type=int, default=300, help="calls of each kind")
    form_options(parser)
    options = parser.parse_args(arguments)

    def body() -> int:
        with shipped_files() as folder:
            file = options.file or folder / "ser_int8.tflite"
            rows = benchmark_classifier(file, rounds=options.rounds)
        about = environment("ai-edge-litert", "numpy")
        table = Table(
            title=f"Median CPU time of {options.rounds} calls, one thread",
            caption=described(about),
            title_justify="left",
            caption_justify="left",
        )
        table.add_column("call")
        table.add_column("ms", justify="right")
        table.add_column("over the interpreter, ms", justify="right")
        for row in rows:
            table.add_row(row.call, f"{row.milliseconds:.3f}", f"{row.overhead:.3f}")
        content = {"rows": [dataclasses.asdict(row) for row in rows], "environment": about}
        print_result(options, content, [table])
        return 0

    return exit_code(parser, body)


if __name__ == "__main__":
    sys.exit(main())
