"""Whether `.tflite` files give the same scores on ARM: `python -m keras_reparam.benchmarks.arm`.

The files run here, on x86-64, and on 64-bit ARM with its dot-product instructions, emulated by
QEMU. An emulator computes what the processor would; it says nothing about time.
"""

import argparse
import dataclasses
import itertools
import json
import os
import sys
import tempfile
from collections.abc import Sequence
from importlib import resources
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table
from rich.text import Text

from keras_reparam._utils.environment import described, environment
from keras_reparam._utils.printed import Printed
from keras_reparam._utils.progress import track
from keras_reparam.benchmarks.arm_environment import ArmPython, make_arm_python
from keras_reparam.benchmarks.arm_instructions import instructions_per_inference
from keras_reparam.benchmarks.command import BAD_INPUT, FAILED, exit_code
from keras_reparam.deploy.runtime.classifier import load_classifier
from keras_reparam.deploy.runtime.runtime import Runtime
from keras_reparam.deploy.runtime.shipped import golden_clips, shipped_files
from keras_reparam.deploy.tflite.tflite_buffers import read_model

_FLOAT_TOLERANCE = 1e-5
_NOISE = float(np.finfo("float32").eps)
_DRAWS = 20
# QEMU's names of a core with dot products of int8 numbers, and of one without.
_CORES = ("cortex-a76", "cortex-a72")
_COUNTS = "; A76, A72: instructions of one inference on emulated Cortex cores, no times"


@dataclasses.dataclass(frozen=True, kw_only=True)
class ArmRow:
    """One file's scores of all clips, emulated ARM against x86-64.

    Attributes:
        file: The file.
        clips: How many clips were scored.
        difference: Largest absolute difference of a probability.
        rounding: Largest difference that rounding makes on x86-64 itself: every sample of the
            clips changed by at most 1.2e-7 of its value. In an int8 file that moves activations
            on the edge between two integers by one quantization step.
        top1_agreement: Share of the clips with the same most probable class.
        instructions: What an emulated core executes in LiteRT for one inference, if counted: one
            with instructions for int8 dot products (Cortex-A76), and one without (Cortex-A72).
            Not a time: cores differ in how many they execute at once, and wait for memory.
    """

    file: str
    clips: int
    difference: float
    rounding: float
    top1_agreement: float
    instructions: tuple[int, ...] | None = None

    @property
    def passed(self) -> bool:
        """Within 1e-5, or within what rounding does anyway, and the same top-1 classes."""
        return self.top1_agreement == 1 and self.difference <= max(_FLOAT_TOLERANCE, self.rounding)


@dataclasses.dataclass(frozen=True, kw_only=True)
class ArmComparison(Printed):
    """What `compare_on_arm` found; prints as a table.

    Attributes:
        rows: One `ArmRow` per file.
        environment: The machine, and LiteRT's versions here and on ARM.
    """

    rows: tuple[ArmRow, ...]
    environment: dict[str, str | int | float | None]

    @property
    def passed(self) -> bool:
        """Whether every file passed."""
        return all(row.passed for row in self.rows)

    @property
    def counted(self) -> bool:
        """Whether instructions were counted."""
        return all(row.instructions is not None for row in self.rows)

    def as_dict(self) -> dict:
        """The result as JSON types."""
        rows = [{**dataclasses.asdict(row), "passed": row.passed} for row in self.rows]
        return {"passed": self.passed, "rows": rows, "environment": self.environment}

    def __rich__(self) -> Table:
        table = Table(
            title="Scores on emulated ARM against x86-64",
            caption=described(self.environment) + (_COUNTS if self.counted else ""),
            title_justify="left",
            caption_justify="left",
        )
        table.add_column("file", overflow="fold", min_width=16)
        # Not a time, and no real core's: the caption says so.
        counted = [core[-3:].upper() for core in _CORES] if self.counted else []
        for column in ("clips", "difference", "by rounding", "top-1 agreement", "passed", *counted):
            table.add_column(column, justify="right")
        for row in self.rows:
            table.add_row(
                Text(row.file),
                str(row.clips),
                f"{row.difference:.1e}",
                f"{row.rounding:.1e}",
                f"{row.top1_agreement:.0%}",
                "yes" if row.passed else "NO",
                *[f"{count:,}" for count in row.instructions or ()],
            )
        return table


def compare_on_arm(
    paths: Sequence[str | os.PathLike],
    clips: np.ndarray,
    python: ArmPython,
    *,
    instructions: bool = False,
) -> ArmComparison:
    """Scores of the same clips by the same files, here and on emulated ARM.

    Args:
        paths: `.tflite` files of one float32 input `[1, samples]` and one output of scores.
        clips: float32 array `(clips, samples)`.
        python: From `make_arm_python`.
        instructions: Whether to count what an emulated core executes, which takes longer.

    Returns:
        An `ArmComparison`.

    Raises:
        FileNotFoundError: If a file is missing.
        ValueError: If a file can't be run, or takes other inputs than the clips.
        RuntimeError: If the emulated process fails.
    """
    files = [Path(path) for path in paths]
    models = [Runtime(read_model(file), origin=f"'{file}'") for file in files]
    for file, model in zip(files, models, strict=True):
        if model.input_shape[1:] != clips.shape[1:]:
            raise ValueError(
                f"Expected a model that takes {clips.shape[1]} samples. Received: '{file}' with "
                f"input shape {list(model.input_shape)}"
            )
    script = resources.files("keras_reparam.benchmarks") / "arm_scores.py"
    with resources.as_file(script) as path:
        on_arm = _on_arm(path, files, clips, python)
        counts = [
            tuple(
                instructions_per_inference(python, path, file, clips[0], cpu=core)
                for core in _CORES
            )
            if instructions
            else None
            for file in track(files, "Counting instructions")
        ]
    rows = []
    for index, (file, model) in enumerate(zip(files, models, strict=True)):
        here = np.stack([model(clip) for clip in clips])
        there = np.asarray(on_arm[index * len(clips) : (index + 1) * len(clips)])
        rows.append(
            ArmRow(
                file=str(file),
                clips=len(clips),
                difference=float(np.abs(there - here).max()),
                rounding=_rounding(model, clips, here),
                top1_agreement=float((there.argmax(1) == here.argmax(1)).mean()),
                instructions=counts[index],
            )
        )
    about = {**environment("ai-edge-litert"), "on ARM": ArmPython.content}
    return ArmComparison(rows=tuple(rows), environment=about)


def _on_arm(
    script: Path, files: list[Path], clips: np.ndarray, python: ArmPython
) -> list[list[float]]:
    with tempfile.TemporaryDirectory() as folder:
        stored = Path(folder) / "clips.npy"
        np.save(stored, clips)
        expected = len(files) * len(clips)
        lines = itertools.islice(python.run(script, stored, *files), 1, None)
        bar = track(lines, "Scoring on emulated ARM", total=expected)
        scores = [json.loads(line) for line in bar]
    if len(scores) != expected:
        raise RuntimeError(f"Expected {expected} scores. Received: {len(scores)}")
    return scores


def _rounding(model: Runtime, clips: np.ndarray, scores: np.ndarray) -> float:
    generator = np.random.default_rng(0)
    largest = 0.0
    for clip, expected in zip(clips, scores, strict=True):
        for _ in range(_DRAWS):
            noise = generator.uniform(-_NOISE, _NOISE, clip.shape)
            largest = max(largest, float(np.abs(model(clip * (1 + noise)) - expected).max()))
    return largest


def main(arguments: Sequence[str] | None = None) -> int:
    """The command."""
    parser = argparse.ArgumentParser(
        prog="python -m keras_reparam.benchmarks.arm",
        description=(
            "Scores of .tflite files on emulated 64-bit ARM against x86-64, on the shipped clips. "
            "The first run downloads the emulated system (105 MB) into the user's cache."
        ),
        epilog="Example: python -m keras_reparam.benchmarks.arm ser_int8.tflite",
    )
    parser.add_argument(
        "files",
        nargs="*",
        metavar="FILE.tflite",
        help="default: the two that come with the package",
    )
    parser.add_argument(
        "--instructions",
        action="store_true",
        help="also count the instructions of one inference, as emulated, on a core with int8 dot "
        "products and on one without (minutes)",
    )
    parser.add_argument("--json", action="store_true", help="print JSON")
    options = parser.parse_args(arguments)
    # 1 is of scores that differ.
    return exit_code(parser, lambda: run(options), failed=BAD_INPUT)


def run(options: argparse.Namespace) -> int:
    """1 if the scores differ."""
    with Console(stderr=True).status("Preparing") as status:
        python = make_arm_python(say=status.update)
    with shipped_files() as folder:
        shipped = [folder / f"ser_{kind}.tflite" for kind in ("float32", "int8")]
        files = options.files or shipped
        first = load_classifier(files[0])
        clips = golden_clips(first.window, first.sample_rate)
        result = compare_on_arm(files, clips, python, instructions=options.instructions)
    if options.json:
        print(json.dumps(result.as_dict(), indent=1))
    else:
        Console().print(result)
    return 0 if result.passed else FAILED


if __name__ == "__main__":
    sys.exit(main())
