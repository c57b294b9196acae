"""Latency tables for `keras_reparam.prune`: `python -m keras_reparam.benchmarks.latency_table`.

A model's int8 file, and int8 files of each of its parts alone at several widths, take turns in one
process; or they are written for a phone, and the output of its benchmark tool is read.
"""

import argparse
import json
import re
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from rich.console import Console
from rich.table import Table
from rich.text import Text

from keras_reparam._utils.environment import described, environment
from keras_reparam._utils.files import checked_target, write_bytes
from keras_reparam._utils.progress import track
from keras_reparam._utils.quiet import import_keras
from keras_reparam._utils.turns import take_turns
from keras_reparam._utils.validation import positive_int
from keras_reparam.benchmarks.any_file import load_any
from keras_reparam.benchmarks.command import FAILED, exit_code
from keras_reparam.benchmarks.files import inference
from keras_reparam.pruning.latency_table import LatencyTable

if TYPE_CHECKING:
    import keras

    from keras_reparam.transforms.prunable import Groups

_KIND = "int8"
# Kernels compute so many columns at once.
_STEP, _MOST_STEPS = 8, 12
_WARM_UP = 10
_INDEX = "parts.json"
# Of the table's prediction.
ALLOWED = 0.10
# What the benchmark tool prints of a series of inferences, the last one being what counts, in us.
_SERIES = re.compile(r"^.*\bcount=\d+.*$", re.MULTILINE)
_TIME = {name: re.compile(rf"\b{name}=([0-9.e+]+)") for name in ("median", "avg")}


def measured_table(
    model: "keras.Model", *, rounds: int = 200, steps: int = _MOST_STEPS
) -> LatencyTable:
    """The latency table of a model on this machine: int8 files, one thread, medians.

    Args:
        model: A built model in its merged form, whose groups can be pruned.
        rounds: Measured inferences of each file; who begins changes from round to round.
        steps: At most so many widths of each part are measured.

    Raises:
        ValueError: If the model has no groups that can be pruned, or cannot be exported.
    """
    rounds = positive_int("rounds", rounds)
    with tempfile.TemporaryDirectory() as folder:
        write_files(model, folder, steps=steps)
        index = _index(Path(folder))
        files = [index["whole"], *(name for rows in index["parts"].values() for _, name in rows)]
        milliseconds = _in_turns([Path(folder) / f"{name}.tflite" for name in files], rounds)
    medians = dict(zip(files, milliseconds, strict=True))
    about = {**environment("ai-edge-litert", "keras"), "rounds": rounds, "kind": _KIND}
    return _table(index, medians, about)


def write_files(model: "keras.Model", folder: str | Path, *, steps: int = _MOST_STEPS) -> None:
    """Writes the files that a table is measured by, for a phone: `read_folder` reads its answers.

    Args:
        model: As for `measured_table`.
        folder: An existing folder. It gets `whole.tflite`, a file for each part and width, and
            `parts.json`, which says what they are.
        steps: At most so many widths of each part are measured.

    Raises:
        ValueError: As `measured_table`.
    """
    import_keras()
    from keras_reparam.transforms.prunable import prunable

    folder = Path(folder)
    steps = positive_int("steps", steps)
    groups, rows = prunable(model)
    if not groups:
        why = "; ".join(f"'{row.path}': {row.obstacle}" for row in rows[:5])
        raise ValueError(f"Model '{model.name}' has no groups that can be pruned. {why}")
    distinct = {each.part: each for each in groups}
    planned = [
        (number, part, each, width)
        for number, (part, each) in enumerate(distinct.items())
        for width in _widths(each, steps)
    ]
    _export(model, folder / "whole.tflite")
    names: dict[str, list] = {part: [] for part in distinct}
    for number, part, each, width in track(planned, "Exporting"):
        name = f"part{number}_{width}"
        _export(_alone(each, part, width), folder / f"{name}.tflite")
        names[part].append((width, name))
    index = {
        "whole": "whole",
        "model": [(each.part, each.count) for each in groups],
        "parts": names,
    }
    write_bytes(folder / _INDEX, (json.dumps(index, indent=1) + "\n").encode())


def read_folder(folder: str | Path) -> LatencyTable:
    """The latency table of what TensorFlow's benchmark tool printed on a phone.

    Args:
        folder: What `write_files` filled; beside each `NAME.tflite` what the tool printed of it,
            `NAME.txt`.

    Raises:
        ValueError: If an answer is missing or holds no times.
    """
    folder = Path(folder)
    index = _index(folder)
    files = [index["whole"], *(name for rows in index["parts"].values() for _, name in rows)]
    missing = [f"{name}.txt" for name in files if not (folder / f"{name}.txt").is_file()]
    if missing:
        raise ValueError(
            f"'{folder}' lacks {len(missing)} of {len(files)} outputs of the benchmark tool, such "
            f"as {missing[0]}: run it on each of the .tflite files there."
        )
    medians = {name: _phone_milliseconds(folder / f"{name}.txt") for name in files}
    return _table(index, medians, {"tool": "benchmark_model", "kind": _KIND})


def _index(folder: Path) -> dict[str, Any]:
    path = folder / _INDEX
    if not path.is_file():
        raise ValueError(f"'{folder}' holds no {_INDEX}: fill it with the command `files` first.")
    return json.loads(path.read_text(encoding="utf-8"))


def _table(index: dict[str, Any], medians: dict[str, float], about: dict) -> LatencyTable:
    return LatencyTable(
        milliseconds=medians[index["whole"]],
        parts=index["model"],
        steps={
            part: tuple((width, medians[name]) for width, name in rows)
            for part, rows in index["parts"].items()
        },
        measured=about,
    )


def _phone_milliseconds(path: Path) -> float:
    series = _SERIES.findall(path.read_text(encoding="utf-8", errors="replace"))
    for pattern in _TIME.values():
        found = pattern.search(series[-1]) if series else None
        if found is not None:
            return float(found[1]) / 1000
    raise ValueError(
        f"'{path}' is no output of TensorFlow's benchmark tool: it holds no line with `count=` and "
        "`avg=`."
    )


def _widths(groups: "Groups", most: int) -> list[int]:
    """Widths at the steps of the staircase: all numbers of heads, or multiples of 8 units."""
    step = 1 if groups.owner is not None else _STEP
    widths = [*range(step, groups.count, step), groups.count]
    places = np.linspace(0, len(widths) - 1, min(len(widths), most)).round().astype(int)
    return [widths[place] for place in places]


def _alone(groups: "Groups", part: str, width: int) -> "keras.Model":
    """The part with so many groups, as a model of its own; its mean over time is the output."""
    import keras

    positions = int(part.rpartition(" at ")[2])
    columns = groups.fan_in.kernel.shape[0]
    inputs = keras.Input((columns,) if positions == 1 else (positions, columns))
    if groups.owner is None:
        x = keras.layers.Dense(width, activation=groups.fan_in.activation)(inputs)
        x = keras.layers.Dense(groups.fan_out.units)(x)
    else:
        config = {**groups.owner.get_config(), "num_heads": width, "dtype": "float32"}
        x = type(groups.owner).from_config(config)(inputs)
    return keras.Model(inputs, x if positions == 1 else keras.ops.mean(x, axis=1))


def _export(model: "keras.Model", path: Path) -> None:
    from keras_reparam.deploy import export_tflite

    shape = model.input_shape[1:]
    noise = 0.1 * np.random.default_rng(0).normal(size=(4, *shape)).astype("float32")
    export_tflite(model, path, quantization=_KIND, representative_data=noise)


def _in_turns(paths: Sequence[Path], rounds: int) -> list[float]:
    """Median milliseconds of each file, on one thread."""
    steps = [inference(*load_any(path.read_bytes(), origin=f"'{path}'")) for path in paths]
    seconds = take_turns(steps, rounds, _WARM_UP, description="Latency", cached=True)
    return (1000 * np.median(seconds, axis=0)).tolist()


def _check(table: LatencyTable, paths: Sequence[Path], rounds: int) -> tuple[Table, bool]:
    """Each model's file as the table predicts it and as it is measured."""
    from keras_reparam.transforms.prunable import prunable

    models = [_load(path) for path in paths]
    parts = [[(each.part, each.count) for each in prunable(model)[0]] for model in models]
    for each in parts:
        table.check_parts(each)
    with tempfile.TemporaryDirectory() as folder:
        files = [Path(folder) / f"{number}.tflite" for number in range(len(models))]
        for model, file in zip(models, files, strict=True):
            _export(model, file)
        measured = _in_turns(files, rounds)
    shown = Table(caption=Text(described(environment("ai-edge-litert"))), caption_justify="left")
    shown.add_column("model", overflow="fold")
    for name in ("predicted ms", "measured ms", "off"):
        shown.add_column(name, justify="right")
    good = True
    for path, each, found in zip(paths, parts, measured, strict=True):
        predicted = table.predicted(each)
        off = found / predicted - 1
        good &= abs(off) <= ALLOWED
        shown.add_row(Text(str(path)), f"{predicted:.4f}", f"{found:.4f}", f"{off:+.1%}")
    return shown, good


def _load(path: Path) -> "keras.Model":
    import_keras()
    import keras

    import keras_reparam  # noqa: F401 - registers its layers

    if not path.is_file():
        raise ValueError(f"There is no model '{path}'. Give a .keras file.")
    return keras.saving.load_model(path, compile=False)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m keras_reparam.benchmarks.latency_table",
        description="Latency tables for keras_reparam.prune: int8 files, one thread, medians.",
        epilog="Example: python -m keras_reparam.benchmarks.latency_table measure light.keras "
        "-o latency.json",
    )
    commands = parser.add_subparsers(dest="command", required=True)
    measure = commands.add_parser("measure", help="measure a model and its parts here")
    files = commands.add_parser("files", help="write the files that a phone is to measure")
    for each in (measure, files):
        each.add_argument("model", type=Path, help="a merged model, .keras")
        each.add_argument(
            "--steps", type=int, default=_MOST_STEPS, help="widths of a part, at most"
        )
    files.add_argument("folder", type=Path, help="an existing folder to write into")
    read = commands.add_parser("read", help="read what a phone's benchmark tool printed")
    read.add_argument("folder", type=Path, help="with NAME.txt beside each NAME.tflite")
    for each in (measure, read):
        each.add_argument("-o", "--output", type=Path, required=True, help="the table, .json")
    check = commands.add_parser("check", help="predicted against measured latencies of files")
    check.add_argument("table", type=Path, help="a table, .json")
    check.add_argument("models", type=Path, nargs="+", help="merged models, .keras")
    for each in (measure, check):
        each.add_argument("--rounds", type=int, default=200, help="inferences of each file")
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; 1 if a file's latency is not within 10 % of the prediction."""
    parser = _parser()
    options = parser.parse_args(arguments)
    return exit_code(parser, lambda: _COMMANDS[options.command](options))


def _run_check(options: argparse.Namespace) -> int:
    table = LatencyTable.load(options.table)
    shown, good = _check(table, options.models, options.rounds)
    Console().print(shown)
    return 0 if good else FAILED


def _run_files(options: argparse.Namespace) -> int:
    write_files(_load(options.model), options.folder, steps=options.steps)
    return 0


def _run_measure(options: argparse.Namespace) -> int:
    checked_target(options.output, ".json", "output")
    model = _load(options.model)
    return _write(measured_table(model, rounds=options.rounds, steps=options.steps), options)


def _run_read(options: argparse.Namespace) -> int:
    return _write(read_folder(options.folder), options)


def _write(table: LatencyTable, options: argparse.Namespace) -> int:
    table.save(options.output)
    print(f"'{options.output}': {table.milliseconds:.4f} ms, {len(table.steps)} parts")
    return 0


_COMMANDS = {
    "measure": _run_measure,
    "files": _run_files,
    "read": _run_read,
    "check": _run_check,
}

if __name__ == "__main__":
    sys.exit(main())
