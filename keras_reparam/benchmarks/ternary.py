"""What ternary kernels take in files: `python -m keras_reparam.benchmarks.ternary`.

The light ConvTransformer with random weights and the encoder's kernels on a ternary grid: bytes do
not depend on training.
"""

import argparse
import dataclasses
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from rich.table import Table

from keras_reparam._utils.environment import described, environment
from keras_reparam._utils.progress import track
from keras_reparam._utils.quiet import import_keras
from keras_reparam.benchmarks.command import exit_code, form_options, print_result
from keras_reparam.benchmarks.sizes import FRAMES, NUM_MELS, create_random

KINDS = ("int8_dynamic", "int8", "int4_dynamic")


@dataclasses.dataclass(frozen=True, kw_only=True)
class FileRow:
    """One file.

    Attributes:
        kind: Quantization kind.
        sub_byte: `"int2"`, or `None`.
        size: Bytes.
        deflated: Bytes compressed by DEFLATE, as a store sends them.
        bits: Mean number of bits of a weight.
        runtime: The first TensorFlow Lite runtime that runs it.
    """

    kind: str
    sub_byte: str | None
    size: int
    deflated: int
    bits: float
    runtime: str | None


def measure_files() -> list[FileRow]:
    """Exports the model in every kind of few bits, with and without INT2."""
    from keras_reparam.deploy import export_tflite
    from keras_reparam.transforms import merge, quantize_aware

    model = create_random("conv_transformer", "light")
    clips = np.random.default_rng(0).normal(size=(4, FRAMES, NUM_MELS)).astype("float32")
    ternary = quantize_aware(model, "ternary", filters="^encoder_", verbose=False)
    light = merge(ternary, data=clips)
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for kind, sub_byte in track([(k, s) for k in KINDS for s in (None, "int2")], "Exporting"):
            path = Path(folder) / "model.tflite"
            report = export_tflite(
                light, path, quantization=kind, sub_byte=sub_byte, representative_data=clips
            )
            rows.append(
                FileRow(
                    kind=kind,
                    sub_byte=sub_byte,
                    size=report.size,
                    deflated=report.deflated,
                    bits=report.bits_per_weight,
                    runtime=report.runtime,
                )
            )
    return rows


def table_of(rows: Sequence[FileRow], caption: str) -> Table:
    """The rows as a table."""
    table = Table(caption=caption, caption_justify="left")
    table.add_column("kind", no_wrap=True)
    for column in ("bytes", "deflated", "bits a weight", "needs"):
        table.add_column(column, justify="right", no_wrap=True)
    for row in rows:
        name = f"`{row.kind}`" + (f', `sub_byte="{row.sub_byte}"`' if row.sub_byte else "")
        counts = (f"{row.size:,}", f"{row.deflated:,}", f"{row.bits:.1f}")
        table.add_row(name, *counts, row.runtime or "-")
    return table


def main(arguments: Sequence[str] | None = None) -> int:
    """The command."""
    parser = argparse.ArgumentParser(
        prog="python -m keras_reparam.benchmarks.ternary",
        description="Bytes of the light ConvTransformer's files, its encoder's kernels ternary.",
        epilog="Example: python -m keras_reparam.benchmarks.ternary --markdown",
    )
    form_options(parser)
    options = parser.parse_args(arguments)

    def body() -> int:
        import_keras()
        rows = measure_files()
        packages = ("keras", "tensorflow", "ai-edge-litert", "litert-quantizer")
        table = table_of(rows, described(environment(*packages)))
        print_result(options, [dataclasses.asdict(row) for row in rows], [table])
        return 0

    return exit_code(parser, body)


if __name__ == "__main__":
    sys.exit(main())
