"""What attention within windows saves: `python -m keras_reparam.benchmarks.windows`.

Float TFLite, batch 1, one thread, random weights. All files take turns in one process, so that
whatever else the machine does falls on all of them alike.
"""

import argparse
import dataclasses
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Group
from rich.table import Table

from keras_reparam._utils.environment import described, environment
from keras_reparam._utils.progress import track
from keras_reparam._utils.quiet import import_keras
from keras_reparam._utils.turns import take_turns
from keras_reparam._utils.validation import positive_int
from keras_reparam.benchmarks.command import FAILED, exit_code, form_options, print_result
from keras_reparam.benchmarks.file_memory import measure_memory

_UNITS, _HEADS = 64, 4
# Frames of an attention layer: number of windows, and by how much they must be faster.
ATTENTION = {100: (5, 1.2), 400: (8, 2.5), 1500: (30, 10.0)}
# Seconds of a recording, number of windows, and layers that are global all the same.
RECORDINGS = ((60, 1, ()), (60, 30, (3,)), (60, 30, ()), (600, 300, ()))
_FRAMES_A_SECOND = 100
_WARM_UP = 2


@dataclasses.dataclass(frozen=True, kw_only=True)
class AttentionRow:
    """One attention layer, 64 wide, of 4 heads; milliseconds are medians.

    Attributes:
        tokens: Frames.
        windows: Number of windows.
        everywhere: Milliseconds of global attention.
        within: Of attention within windows.
        ratio: Median ratio of the two in the same round.
        bar: What `ratio` must be at least.
    """

    tokens: int
    windows: int
    everywhere: float
    within: float
    ratio: float
    bar: float

    @property
    def passed(self) -> bool:
        """Whether the bar is met."""
        return self.ratio >= self.bar


@dataclasses.dataclass(frozen=True, kw_only=True)
class RecordingRow:
    """The light ConvTransformer, from features, on a long recording as one window.

    Attributes:
        seconds: Of the recording, at 100 frames a second.
        windows: Number of windows of attention.
        global_layers: Layers with global attention, of four.
        milliseconds: Median of an inference.
        megabytes: What the file adds to the process that runs it, at most.
    """

    seconds: int
    windows: int
    global_layers: int
    milliseconds: float
    megabytes: float


@dataclasses.dataclass(frozen=True, kw_only=True)
class WindowsBenchmark:
    """What `benchmark_windows` measured; prints as two tables.

    Attributes:
        attention: One row per number of frames.
        recordings: One row per form of the backbone.
        environment: CPU with its vector extensions, load, and versions.
        rounds: Measured inferences of each file.
    """

    attention: tuple[AttentionRow, ...]
    recordings: tuple[RecordingRow, ...]
    environment: dict[str, str | int | float | None]
    rounds: int

    def tables(self) -> tuple[Table, Table]:
        """Attention alone, and whole recordings."""
        attention = Table(title=f"Attention, median ms of {self.rounds}", title_justify="left")
        for name in ("tokens", "windows", "global ms", "windows ms", "times faster", "bar"):
            attention.add_column(name, justify="right")
        for row in self.attention:
            attention.add_row(
                *(f"{row.tokens:,}", str(row.windows)),
                *(f"{row.everywhere:.3f}", f"{row.within:.3f}", f"{row.ratio:.1f}"),
                f">= {row.bar:g}: {'met' if row.passed else 'MISSED'}",
            )
        recordings = Table(caption=described(self.environment), caption_justify="left")
        for name in ("recording", "windows", "global layers", "ms", "MB"):
            recordings.add_column(name, justify="right")
        for row in self.recordings:
            layers = 4 if row.windows == 1 else row.global_layers
            recordings.add_row(
                *(f"{row.seconds} s", str(row.windows), f"{layers} of 4"),
                *(f"{row.milliseconds:.1f}", f"{row.megabytes:.0f}"),
            )
        return attention, recordings

    def __rich__(self) -> Group:
        return Group(*self.tables())


def benchmark_windows(*, rounds: int = 30) -> WindowsBenchmark:
    """Latency of attention with and without windows, and of long recordings, with their memory.

    Args:
        rounds: Measured inferences of each file.

    Raises:
        ValueError: If `rounds` is not positive.
    """
    rounds = positive_int("rounds", rounds)
    import_keras()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.tflite"
        layers = [
            _attention(path, tokens, count)
            for tokens, (windows, _) in track([*ATTENTION.items()], "Exporting")
            for count in (1, windows)
        ]
        models, memory = [], []
        for recording in track(RECORDINGS, "Exporting"):
            models.append(_recording(path, *recording))
            memory.append(measure_memory(path).added)
    times = 1000 * take_turns(layers, rounds, _WARM_UP, description="Attention", cached=True)
    attention = tuple(
        AttentionRow(
            tokens=tokens,
            windows=windows,
            everywhere=float(np.median(everywhere)),
            within=float(np.median(within)),
            ratio=float(np.median(everywhere / within)),
            bar=bar,
        )
        for (tokens, (windows, bar)), everywhere, within in zip(
            ATTENTION.items(), times.T[::2], times.T[1::2], strict=True
        )
    )
    # They take a second each, and differ by more than noise.
    seconds = take_turns(models, min(rounds, 10), 1, description="Recordings")
    recordings = tuple(
        RecordingRow(
            seconds=length,
            windows=windows,
            global_layers=len(layers),
            milliseconds=float(milliseconds),
            megabytes=float(megabytes),
        )
        for (length, windows, layers), milliseconds, megabytes in zip(
            RECORDINGS, 1000 * np.median(seconds, axis=0), memory, strict=True
        )
    )
    return WindowsBenchmark(
        attention=attention,
        recordings=recordings,
        environment=environment("keras", "tensorflow", "ai-edge-litert"),
        rounds=rounds,
    )


def _attention(path: Path, tokens: int, windows: int) -> Callable[[], Any]:
    import keras

    from keras_reparam.models.multi_head_self_attention import MultiHeadSelfAttention

    inputs = keras.Input((tokens, _UNITS), batch_size=1)
    length = None if windows == 1 else -(-tokens // windows)
    layer = MultiHeadSelfAttention(_UNITS, num_heads=_HEADS, block_length=length)
    return _exported(path, inputs, layer(inputs))


def _recording(path: Path, seconds: int, windows: int, layers: tuple) -> Callable[[], Any]:
    import keras

    from keras_reparam import models

    frames = seconds * _FRAMES_A_SECOND
    backbone = models.create(
        "conv_transformer", num_classes=4, frames=frames, num_windows=windows, global_layers=layers
    )
    inputs = keras.Input((frames, backbone.num_mels), batch_size=1)
    return _exported(path, inputs, backbone(inputs))


def _exported(path: Path, inputs: Any, outputs: Any) -> Callable[[], Any]:
    """The inference of a file with a static shape, which lies at `path` until the next one."""
    import keras

    from keras_reparam.deploy.runtime.runtime import Runtime

    # Flat, since `Runtime` expects one axis of scores.
    model = keras.Model(inputs, keras.ops.reshape(outputs, (1, -1)))
    # Keras would leave the batch open, whatever the input says.
    static = [keras.InputSpec(shape=inputs.shape, dtype="float32")]
    model.export(path, format="litert", verbose=False, input_signature=static)
    runtime = Runtime(path.read_bytes())
    example = np.random.default_rng(0).normal(size=inputs.shape[1:]).astype("float32")
    return lambda: runtime(example)


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; 1 if a bar is missed."""
    parser = argparse.ArgumentParser(
        prog="python -m keras_reparam.benchmarks.windows",
        description="What attention within windows saves: float TFLite, one thread, in turns.",
        epilog="Example: python -m keras_reparam.benchmarks.windows --rounds 100",
    )
    parser.add_argument("--rounds", type=int, default=30, help="inferences of each file")
    form_options(parser)
    options = parser.parse_args(arguments)

    def body() -> int:
        result = benchmark_windows(rounds=options.rounds)
        print_result(options, dataclasses.asdict(result), result.tables())
        return 0 if all(row.passed for row in result.attention) else FAILED

    return exit_code(parser, body)


if __name__ == "__main__":
    sys.exit(main())
