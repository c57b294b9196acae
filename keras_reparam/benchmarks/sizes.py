"""Parameters, multiply-adds and bytes of the backbones: `python -m keras_reparam.models`.

The backbones have random weights, and the int8 files are calibrated on noise: neither changes
what is counted here. Every weight differs from its initial value, for zeros and ones that occur
many times are stored once, or not at all.
"""

import argparse
import dataclasses
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from rich.table import Table

from keras_reparam._utils.environment import described, environment
from keras_reparam._utils.progress import track
from keras_reparam._utils.quiet import import_keras
from keras_reparam.benchmarks.command import exit_code, form_options, print_result
from keras_reparam.benchmarks.training_step import NUM_CLASSES

if TYPE_CHECKING:
    import keras

FRAMES = 400
NUM_MELS = 64
# The published SpeechFormers take their features as they are: 128 mels.
_PUBLISHED_MELS = {("speechformer", "S"): 128, ("speechformer", "B"): 128}


@dataclasses.dataclass(frozen=True, kw_only=True)
class SizeRow:
    """One backbone in one size.

    Attributes:
        backbone: Its name, as `keras_reparam.models.create` takes it.
        size: Name of its size.
        num_mels: Mel bands of its features.
        parameters: Number of weights that are trained: what is published counts no others.
        macs: Multiply-adds for `FRAMES` frames, 4 s, counted in the exported graph.
        int8_bytes: Bytes of the `.tflite` of kind int8, features in.
    """

    backbone: str
    size: str
    num_mels: int
    parameters: int
    macs: int
    int8_bytes: int


@dataclasses.dataclass(frozen=True, kw_only=True)
class SizeTable:
    """What `measure_sizes` found; prints as a table."""

    rows: tuple[SizeRow, ...]
    environment: dict[str, str | int | float | None]

    def __rich__(self) -> Table:
        table = Table(
            title=f"{FRAMES} frames (4 s), {NUM_CLASSES} classes, random weights",
            caption=described(self.environment),
            title_justify="left",
            caption_justify="left",
        )
        for column in ("backbone", "size"):
            table.add_column(column, no_wrap=True)
        for column in ("mels", "parameters", "MACs", "int8 kB"):
            table.add_column(column, justify="right", no_wrap=True)
        for row in self.rows:
            table.add_row(
                row.backbone,
                row.size,
                str(row.num_mels),
                f"{row.parameters:,}",
                f"{row.macs / 1e6:,.1f} M",
                f"{row.int8_bytes / 1e3:,.0f}",
            )
        return table


def create_random(backbone: str, size: str) -> "keras.Model":
    """The backbone for `FRAMES` frames with weights that are random, all of them."""
    from keras_reparam import models

    model = models.create(
        backbone,
        size=size,
        num_classes=NUM_CLASSES,
        num_mels=num_mels(backbone, size),
        frames=FRAMES,
    )
    generator = np.random.default_rng(0)
    for weight in model.weights:
        # Around the initial value: the variances of BatchNorm stay positive.
        weight.assign(weight + generator.uniform(-0.1, 0.1, weight.shape))
    return model


def num_parameters(model: "keras.Model") -> int:
    """Number of weights that are trained."""
    return sum(int(np.prod(weight.shape)) for weight in model.trainable_weights)


def num_mels(backbone: str, size: str) -> int:
    """Mel bands that the size is meant for."""
    return _PUBLISHED_MELS.get((backbone, size), NUM_MELS)


def choose(backbones: Sequence[str] = (), sizes: Sequence[str] = ()) -> list[tuple[str, str]]:
    """Pairs (backbone, size) in the order of `SIZES`; nothing named: all.

    Raises:
        ValueError: If a backbone or size is not known.
    """
    from keras_reparam.models.sizes import SIZES

    _check_names("backbone", backbones, list(SIZES))
    chosen = [name for name in SIZES if not backbones or name in backbones]
    known = list(dict.fromkeys(size for name in chosen for size in SIZES[name]))
    _check_names("size", sizes, known)
    return [(name, x) for name in chosen for x in SIZES[name] if not sizes or x in sizes]


def _check_names(argument: str, names: Sequence[str], known: Sequence[str]) -> None:
    for name in names:
        if name not in known:
            raise ValueError(
                f"`{argument}` must be one of {', '.join(known)}. Received: {argument}={name!r}"
            )


def measure_size(backbone: str, size: str) -> SizeRow:
    """Counts one backbone in the files that it is exported to.

    What the converter takes for a large model, many times its file, it keeps until its process
    ends, so the quantization is done by another one.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "float.tflite"
        counts = {k: v for step in _STEPS for k, v in _in_child(step, backbone, size, path).items()}
    return SizeRow(backbone=backbone, size=size, num_mels=num_mels(backbone, size), **counts)


def _in_child(step: str, backbone: str, size: str, path: Path) -> dict[str, int]:
    child = subprocess.run(
        [
            *(sys.executable, "-m", "keras_reparam.benchmarks.sizes"),
            *(backbone, "--size", size, "--step", step, path),
        ],
        env={**os.environ, "KERAS_BACKEND": "tensorflow", "CUDA_VISIBLE_DEVICES": "-1"},
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
    )
    if child.returncode:
        lines = child.stderr.strip().splitlines() or [f"exit code {child.returncode}"]
        raise RuntimeError(f"The process that exports {backbone} {size} failed: {lines[-1]}")
    return json.loads(child.stdout)


def _convert(backbone: str, size: str, path: Path) -> dict[str, int]:
    import_keras()
    from keras_reparam.deploy.conversion.convert import convert

    model = create_random(backbone, size)
    path.write_bytes(convert(model, model.input_shape[1:]).content)
    return {"parameters": num_parameters(model)}


def _quantize(backbone: str, size: str, path: Path) -> dict[str, int]:
    import_keras()
    from keras_reparam.deploy.conversion.float_model import FloatModel
    from keras_reparam.deploy.conversion.quantize import quantize
    from keras_reparam.deploy.tflite.metadata import TFLiteMetadata, pack_with_metadata

    model = FloatModel.of(path.read_bytes())
    noise = np.random.default_rng(0).normal(size=(FRAMES, num_mels(backbone, size)))
    packed = quantize(model, "int8", [noise.astype("float32")])
    content = pack_with_metadata(packed, TFLiteMetadata(name=backbone))
    return {"macs": model.graph.macs, "int8_bytes": len(content)}


_STEPS = {"convert": _convert, "quantize": _quantize}


def measure_sizes(pairs: Sequence[tuple[str, str]]) -> SizeTable:
    """Counts backbones.

    Args:
        pairs: Pairs (backbone, size), such as `choose` gives.

    Returns:
        A `SizeTable`.
    """
    rows = tuple(measure_size(*pair) for pair in track(pairs, "Exporting"))
    packages = ("keras", "tensorflow", "ai-edge-litert", "litert-quantizer")
    return SizeTable(rows=rows, environment=environment(*packages))


def main(arguments: Sequence[str] | None = None) -> int:
    """The command."""
    parser = argparse.ArgumentParser(
        prog="python -m keras_reparam.models",
        description="Parameters, multiply-adds for 4 s and int8 bytes of the backbones.",
        epilog="Example: python -m keras_reparam.models conformer --size light large",
    )
    parser.add_argument("backbones", nargs="*", metavar="BACKBONE", help="default: all")
    parser.add_argument("--size", nargs="+", default=[], help="default: all")
    form = form_options(parser)
    # The processes that export are this command, started by itself.
    form.add_argument("--step", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)

    def body() -> int:
        pairs = choose(options.backbones, options.size)
        if options.step:
            step, path = options.step
            print(json.dumps(_STEPS[step](*pairs[0], Path(path))))
            return 0
        sizes = measure_sizes(pairs)
        print_result(options, dataclasses.asdict(sizes), [sizes.__rich__()])
        return 0

    return exit_code(parser, body)


if __name__ == "__main__":
    sys.exit(main())
