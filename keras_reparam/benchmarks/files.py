"""How long `.tflite` files take, how large they are, and what memory they need."""

import dataclasses
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from rich.console import Group
from rich.table import Table
from rich.text import Text

from keras_reparam._utils.environment import described, environment
from keras_reparam._utils.printed import Printed
from keras_reparam._utils.progress import track
from keras_reparam._utils.turns import take_turns
from keras_reparam._utils.validation import positive_int
from keras_reparam.benchmarks.any_file import load_any
from keras_reparam.benchmarks.file_memory import measure_memory
from keras_reparam.benchmarks.operators import FileProfile, profile_tflite
from keras_reparam.deploy.tflite.tflite_buffers import read_model

if TYPE_CHECKING:
    from ai_edge_litert.interpreter import Interpreter

_WARM_UP = 10
_EXAMPLES = 8


@dataclasses.dataclass(frozen=True, kw_only=True)
class FileRow:
    """One file with one number of threads. Times in milliseconds per inference.

    Attributes:
        file: Its path.
        threads: Threads that LiteRT may use.
        size: Bytes of the file.
        median: Median time.
        low: 10th percentile.
        high: 90th percentile.
        p95: 95th percentile.
        ratio: The median to that of the first file with as many threads.
        peak_memory: Peak resident set, in MB, of a process of its own that runs the file on one
            thread: Python and LiteRT are in it.
        added_memory: What of it came after Python, NumPy and LiteRT were loaded: the file,
            activations, weights as the kernels want them, and LiteRT's code as it is first used.
    """

    file: str
    threads: int
    size: int
    median: float
    low: float
    high: float
    p95: float
    ratio: float
    peak_memory: float
    added_memory: float


@dataclasses.dataclass(frozen=True, kw_only=True)
class FileBenchmark(Printed):
    """What `benchmark_tflite` measured; prints as tables. `dataclasses.asdict` gives JSON types.

    Attributes:
        rows: One `FileRow` per number of threads and file.
        profiles: One `FileProfile` per file, if asked for.
        environment: CPU with its vector extensions, cores, load, and versions.
        rounds: Measured inferences of each row.
    """

    rows: tuple[FileRow, ...]
    profiles: tuple[FileProfile, ...]
    environment: dict[str, str | int | float | None]
    rounds: int

    def __rich__(self) -> Group:
        return Group(self._sizes(), self._times(), *self.profiles)

    def _sizes(self) -> Table:
        table = Table(title="Size, and peak memory of a process that runs it", title_justify="left")
        table.add_column("file", overflow="fold")
        for column in ("bytes", "added MB", "peak MB"):
            table.add_column(column, justify="right", no_wrap=True)
        shown = self._shown()
        for row in self.rows:
            if row.threads == self.rows[0].threads:
                memory = f"{row.added_memory:.1f}", f"{row.peak_memory:.1f}"
                table.add_row(shown[row.file], f"{row.size:,}", *memory)
        return table

    def _times(self) -> Table:
        table = Table(
            title=f"Milliseconds: median of {self.rounds} inferences, on noise",
            caption=Text(described(self.environment)),
            title_justify="left",
            caption_justify="left",
        )
        table.add_column("file", overflow="fold")
        for column in ("threads", "ms", "10 % to 90 %", "95 %", "ratio"):
            table.add_column(column, justify="right", no_wrap=True)
        shown = self._shown()
        for row in self.rows:
            table.add_row(
                shown[row.file],
                str(row.threads),
                f"{row.median:.3f}",
                f"{row.low:.2f} to {row.high:.2f}",
                f"{row.p95:.2f}",
                f"{row.ratio:.2f}",
            )
        return table

    def _shown(self) -> dict[str, Text]:
        """Names of the files; their paths, if two have the same name."""
        names = {file: Path(file).name for file in {row.file for row in self.rows}}
        distinct = len(set(names.values())) == len(names)
        # Not as markup, since the user chose it.
        return {file: Text(name if distinct else file) for file, name in names.items()}


def benchmark_tflite(
    path: str | os.PathLike | Sequence[str | os.PathLike],
    *,
    rounds: int = 200,
    threads: Sequence[int] = (1, 2),
    profile: bool = False,
) -> FileBenchmark:
    """Latency, memory and size of `.tflite` files, on noise as input.

    Any file that LiteRT runs will do, whatever its inputs and outputs; of several graphs the first
    one is run.

    The files take turns in one process, after some inferences that do not count, so that
    whatever else the machine does falls on all of them alike. One number of threads follows the
    other: the threads of one file would wait for work while the next one is measured. Memory is
    measured in a process of its own for each file.

    These are figures of this machine. On a phone, the official benchmark tool measures the same
    file (not run here): `docs/howto/runtimes.md` of the repository has the commands,
    https://ai.google.dev/edge/litert/models/measurement the tool and its options.

    Args:
        path: The file, or several files.
        rounds: Measured inferences of each file.
        threads: Numbers of threads, each measured.
        profile: Whether to time the operators too, on one thread. LiteRT's Python interface
            doesn't, so each operator is cut out and run alone, on the values that it has in the
            file; the table says how far their sum is from the whole.

    Returns:
        A `FileBenchmark`. `print` it for tables.

    Raises:
        TypeError: If `path` is no path and no list of paths.
        FileNotFoundError: If a file is missing.
        ValueError: If a file can't be run, there is none, or `rounds` or `threads` are not
            positive integers.

    Example:

    >>> import importlib.resources
    >>> shipped = importlib.resources.files("keras_reparam") / "pretrained" / "ser_int8.tflite"
    >>> found = kr.benchmark_tflite(shipped, rounds=2)
    >>> [row.threads for row in found.rows]
    [1, 2]
    >>> found.rows[0].size == shipped.stat().st_size
    True
    """
    files = _files(path)
    rounds = positive_int("rounds", rounds)
    threads = _threads(threads)
    contents = [read_model(file) for file in files]
    # First, since a file that takes the process down with it does no harm there.
    memory = [measure_memory(file) for file in track(files, "Memory")]
    rows = []
    for number in threads:
        steps = [
            inference(*load_any(content, origin=f"'{file}'", num_threads=number))
            for file, content in zip(files, contents, strict=True)
        ]
        name = "1 thread" if number == 1 else f"{number} threads"
        milliseconds = 1000 * take_turns(steps, rounds, _WARM_UP, description=name)
        low, medians, high, p95 = np.percentile(milliseconds, [10, 50, 90, 95], axis=0).tolist()
        rows += [
            FileRow(
                file=str(file),
                threads=number,
                size=len(contents[i]),
                median=medians[i],
                low=low[i],
                high=high[i],
                p95=p95[i],
                ratio=medians[i] / medians[0],
                peak_memory=memory[i].peak,
                added_memory=memory[i].added,
            )
            for i, file in enumerate(files)
        ]
    profiles = [
        profile_tflite(content, file=str(file), rounds=rounds)
        for file, content in zip(files, contents, strict=True)
        if profile
    ]
    return FileBenchmark(
        rows=tuple(rows),
        profiles=tuple(profiles),
        environment=environment("ai-edge-litert", "numpy"),
        rounds=rounds,
    )


def inference(interpreter: "Interpreter", values: list[np.ndarray]) -> Callable[[], None]:
    """One inference of a loaded file, each on other values."""
    inputs = [each["index"] for each in interpreter.get_input_details()]
    outputs = [each["index"] for each in interpreter.get_output_details()]
    # Integers may be sizes, which stay what they are.
    examples = [
        [np.roll(v, turn * v.size // _EXAMPLES) if v.dtype.kind == "f" else v for v in values]
        for turn in range(_EXAMPLES)
    ]
    turn = 0

    def step() -> None:
        nonlocal turn
        turn += 1
        for index, value in zip(inputs, examples[turn % _EXAMPLES], strict=True):
            interpreter.set_tensor(index, value)
        interpreter.invoke()
        for index in outputs:
            interpreter.get_tensor(index)

    return step


def _files(path: str | os.PathLike | Sequence[str | os.PathLike]) -> list[Path]:
    paths = [path] if isinstance(path, str | os.PathLike) else path
    if not isinstance(paths, list | tuple) or not all(
        isinstance(each, str | os.PathLike) for each in paths
    ):
        raise TypeError(f"`path` must be a path, or a list of paths. Received: path={path!r}")
    if not paths:
        raise ValueError(f"`path` must name at least one file. Received: path={path!r}")
    return [Path(each) for each in paths]


def _threads(threads: Sequence[int]) -> tuple[int, ...]:
    if not isinstance(threads, list | tuple) or not threads:
        raise ValueError(
            f"`threads` must be a list of positive integers. Received: threads={threads!r}"
        )
    return tuple(dict.fromkeys(positive_int("threads", number) for number in threads))
