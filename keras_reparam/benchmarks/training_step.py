"""Cost of a training step: the plain model, HRF folded, HRF as a chain of linear layers.

    python -m keras_reparam.benchmarks.training_step --expansion 2 4 8 --batch-size 8 16 32 64

All variants train in one process and take turns, so that whatever else the machine does falls on
all of them alike; a ratio compares steps of the same round. Memory is measured in a process of
its own per variant.
"""

import argparse
import dataclasses
import json
import subprocess
import sys
from typing import TYPE_CHECKING

import numpy as np
from rich.console import Console
from rich.table import Table

from keras_reparam._utils.environment import described, environment
from keras_reparam._utils.peak_memory import peak_memory
from keras_reparam._utils.quiet import import_keras
from keras_reparam._utils.turns import compared, take_turns
from keras_reparam.benchmarks.command import exit_code

if TYPE_CHECKING:
    import keras

NUM_CLASSES = 4
# Adam keeps two numbers for every weight.
ADAM_SLOTS = 2
FLOAT32_BYTES = 4
PLAIN = ("plain", None)


@dataclasses.dataclass(frozen=True)
class Row:
    """Time of a training step of one variant; the ratio is to the plain step of its round."""

    batch_size: int
    variant: str
    expansion: int | None
    parameters: int
    milliseconds: float
    ratio: float
    ratio_low: float
    ratio_high: float


@dataclasses.dataclass(frozen=True)
class Memory:
    """Peak resident memory of training, in MB, and what folded training may take at most."""

    batch_size: int
    expansion: int
    plain: float
    folded: float
    factors_and_slots: float

    @property
    def ratio(self) -> float:
        """Folded training to plain training, without the factors and their optimizer slots."""
        return (self.folded - self.factors_and_slots) / self.plain


def build(variant: str, expansion: int | None, options: argparse.Namespace) -> "keras.Model":
    """A compiled model: `variant` is "plain", "folded" or "chained"."""
    import keras

    model = create(expansion, options, folded=variant == "folded")
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(optimizer="adam", loss=loss)
    return model


def create(
    expansion: int | None, options: argparse.Namespace, *, folded: bool = True
) -> "keras.Model":
    """The backbone, plain or with HRF."""
    import keras_reparam as kr

    model = kr.models.create(
        options.model,
        size=options.size,
        num_classes=NUM_CLASSES,
        num_mels=options.num_mels,
        frames=options.frames,
    )
    if expansion is None:
        return model
    return kr.expand(model, kr.HRF(expansion=expansion, folded=folded))


def batch(batch_size: int, options: argparse.Namespace) -> tuple[np.ndarray, np.ndarray]:
    """Features like a normalised log-mel spectrogram, and labels."""
    rng = np.random.default_rng(0)
    features = rng.normal(size=(batch_size, options.frames, options.num_mels))
    return features.astype("float32"), rng.integers(NUM_CLASSES, size=batch_size)


def measure_time(batch_size: int, options: argparse.Namespace) -> list[Row]:
    """Rows of all variants at one batch size."""
    variants = [PLAIN]
    variants += [(kind, r) for r in options.expansion for kind in ("folded", "chained")]
    built = [build(*variant, options) for variant in variants]
    features, labels = batch(batch_size, options)
    steps = [lambda model=model: model.train_on_batch(features, labels) for model in built]
    seconds = take_turns(steps, options.rounds, options.warmup, description="Training steps")
    return [
        row(batch_size, *variant, model, seconds[:, i], seconds[:, 0])
        for i, (variant, model) in enumerate(zip(variants, built, strict=True))
    ]


def row(
    batch_size: int,
    variant: str,
    expansion: int | None,
    model: "keras.Model",
    seconds: np.ndarray,
    plain: np.ndarray,
) -> Row:
    """What the seconds of a variant's steps come to, against the plain steps of their rounds."""
    return Row(
        batch_size=batch_size,
        variant=variant,
        expansion=expansion,
        parameters=model.count_params(),
        **compared(seconds, plain),
    )


def measure_memory(batch_size: int, options: argparse.Namespace) -> list[Memory]:
    """Peak memory of the plain and the folded variants, each in its own process."""
    plain = peak_of_child(batch_size, None, options)
    rows = []
    for expansion in options.expansion:
        folded = peak_of_child(batch_size, expansion, options)
        more = folded["parameters"] - plain["parameters"]
        rows.append(
            Memory(
                batch_size=batch_size,
                expansion=expansion,
                plain=plain["peak_mb"],
                folded=folded["peak_mb"],
                factors_and_slots=more * (1 + ADAM_SLOTS) * FLOAT32_BYTES / 1e6,
            )
        )
    return rows


def peak_of_child(
    batch_size: int, expansion: int | None, options: argparse.Namespace
) -> dict[str, float]:
    command = [sys.executable, "-m", "keras_reparam.benchmarks.training_step", "--peak"]
    for name in ("model", "size", "frames", "num_mels", "rounds", "warmup"):
        command += [f"--{name.replace('_', '-')}", str(getattr(options, name))]
    command += ["--batch-size", str(batch_size)]
    command += [] if expansion is None else ["--expansion", str(expansion)]
    child = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL)
    if child.returncode:
        raise RuntimeError(f"The process that measures memory failed:\n{child.stderr}")
    return json.loads(child.stdout.splitlines()[-1])


def print_peak(options: argparse.Namespace) -> None:
    """Trains one variant in this process and prints its peak memory as JSON."""
    expansion = options.expansion[0] if options.expansion else None
    model = build("folded", expansion, options)
    features, labels = batch(options.batch_size[0], options)
    for _ in range(options.warmup + options.rounds):
        model.train_on_batch(features, labels)
    print(json.dumps({"parameters": model.count_params(), "peak_mb": peak_memory()}))


def time_table(rows: list[Row]) -> Table:
    table = Table(title="Training step", caption="ratio to plain: median and quartiles of rounds")
    for name in ("batch", "variant", "r", "parameters", "ms", "ratio", "quartiles"):
        table.add_column(name, justify="left" if name == "variant" else "right")
    for row in rows:
        table.add_row(
            str(row.batch_size),
            row.variant,
            str(row.expansion or ""),
            f"{row.parameters:,}",
            f"{row.milliseconds:.1f}",
            f"{row.ratio:.3f}",
            f"{row.ratio_low:.3f} to {row.ratio_high:.3f}",
        )
    return table


def memory_table(rows: list[Memory]) -> Table:
    table = Table(
        title="Peak memory of training, MB",
        caption="ratio: (folded - factors and their optimizer slots) / plain",
    )
    for name in ("batch", "r", "plain", "folded", "factors and slots", "ratio"):
        table.add_column(name, justify="right")
    for row in rows:
        values = (row.plain, row.folded, row.factors_and_slots)
        figures = [f"{value:.1f}" for value in values]
        table.add_row(str(row.batch_size), str(row.expansion), *figures, f"{row.ratio:.3f}")
    return table


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of every command that measures training steps."""
    parser.add_argument("--model", default="conv_transformer", help="backbone's name")
    parser.add_argument("--size", default="light")
    parser.add_argument("--frames", type=int, default=400)
    parser.add_argument("--num-mels", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=30, help="measured steps of each variant")
    parser.add_argument("--warmup", type=int, default=5, help="steps before these, compilation too")
    parser.add_argument("--json", action="store_true", help="print one JSON object instead")


def parser() -> argparse.ArgumentParser:
    result = argparse.ArgumentParser(
        prog="python -m keras_reparam.benchmarks.training_step",
        description=__doc__ and __doc__.splitlines()[0],
        epilog="Example: python -m keras_reparam.benchmarks.training_step --expansion 8",
    )
    add_arguments(result)
    result.add_argument("--expansion", type=int, nargs="+", help="default: 2 4 8")
    result.add_argument("--batch-size", type=int, nargs="+", default=[32], help="default: 32")
    result.add_argument("--no-memory", action="store_true", help="measure time alone")
    # The process that measures memory is this command, started by itself.
    result.add_argument("--peak", action="store_true", help=argparse.SUPPRESS)
    return result


def main(arguments: list[str] | None = None) -> int:
    command = parser()
    options = command.parse_args(arguments)
    return exit_code(command, lambda: run(options))


def run(options: argparse.Namespace) -> int:
    backend = import_keras()
    if options.peak:
        print_peak(options)
        return 0
    options.expansion = options.expansion or [2, 4, 8]
    about = environment("keras", backend, "numpy")
    console = Console()
    if not options.json:
        console.print(described(about))
        console.print(f"{options.model} {options.size}, {options.frames} frames, Adam")
    times: list[Row] = []
    memory: list[Memory] = []
    for batch_size in options.batch_size:
        times += measure_time(batch_size, options)
        if not options.no_memory:
            memory += measure_memory(batch_size, options)
    if options.json:
        report = {
            "environment": about,
            "model": {name: getattr(options, name) for name in ("model", "size", "frames")},
            "time": [dataclasses.asdict(row) for row in times],
            "memory": [dataclasses.asdict(row) | {"ratio": row.ratio} for row in memory],
        }
        print(json.dumps(report, indent=2))
        return 0
    console.print(time_table(times))
    if memory:
        console.print(memory_table(memory))
    return 0


if __name__ == "__main__":
    sys.exit(main())
