"""The command `python -m recipes.page`: what runs reached, side by side in a page."""

import argparse
import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from keras_reparam.deploy.release.model_card import markdown_table
from recipes.common.command import Parser, exit_code, leave
from recipes.common.files.json_file import read_json
from recipes.common.files.page import insert_table
from recipes.common.names import METRICS, TRAINING

_FIGURE = "ua"
_ON = "on-"


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command; returns its exit code."""
    parser = Parser(
        prog="python -m recipes.page",
        description="Write the accuracies of runs on classes as a Markdown table, between a page's "
        "lines <!-- NAME --> and <!-- end of NAME -->: on validation and test speakers, and on the "
        "corpora that `evaluate --on` has scored them on.",
        epilog="Example: python -m recipes.page 'level taken out'=runs/crema_d/level "
        "--into docs/results/recipes.md --name crema_d",
    )
    parser.add_argument(
        "runs", nargs="+", type=_named, metavar="WHAT=RUN", help="a row's name, and a run's folder"
    )
    parser.add_argument("--into", type=Path, required=True, metavar="FILE.md", help="the page")
    parser.add_argument("--name", required=True, help="which lines of the page")
    options = parser.parse_args(arguments)
    return exit_code("page", lambda: _run(options))


def _named(text: str) -> tuple[str, Path]:
    # A name may hold an equals sign, as settings do.
    name, equals, path = text.rpartition("=")
    if not (name and equals and path):
        raise argparse.ArgumentTypeError(f"expected WHAT=RUN. Received: {text}")
    return name, Path(path)


def _run(options: argparse.Namespace) -> int:
    insert_table(options.into, table_of(dict(options.runs)), name=options.name)
    return 0


def table_of(runs: Mapping[str, Path]) -> str:
    """A row for each run, and a column for each split and each other corpus.

    Args:
        runs: Folders of runs by the names of their rows.

    Raises:
        FileNotFoundError: If no fold of a run is trained.
    """
    rows = {name: _cells(path) for name, path in runs.items()}
    # In the order in which they come up.
    columns = list(dict.fromkeys(column for cells in rows.values() for column in cells))
    return markdown_table(
        ["", *columns],
        [[name, *(cells.get(column, "-") for column in columns)] for name, cells in rows.items()],
    )


def _cells(run: Path) -> dict[str, str]:
    """A run's figures by column."""
    folds = [path.parent for path in sorted(run.glob(f"fold-*/{TRAINING}"))]
    if not folds:
        raise FileNotFoundError(f"'{run}' is the folder of no run with a trained fold: train first")
    trained = [_read(fold / TRAINING) for fold in folds]
    cells = {
        "folds": str(len(folds)),
        "epochs": str(trained[0]["epochs"]),
        "validation UA": _mean([each["validation"][_FIGURE] for each in trained]),
    }
    if (run / METRICS).is_file():
        for split, found in _read(run / METRICS).items():
            pooled = found["pooled"]
            cells[f"{split} UA"] = _mean([each[_FIGURE] for each in found["folds"].values()])
            cells["pooled"] = _with_interval(pooled)
            cells["majority"] = f"{100 * pooled['majority'][_FIGURE]:.1f}"
    others = {path.name for fold in folds for path in fold.glob(f"{_ON}*")}
    for name in sorted(others):
        scored = [_read(fold / name / METRICS) for fold in folds if (fold / name).is_dir()]
        other = name.removeprefix(_ON)
        cells[f"UA on {other}"] = _mean([each[other][_FIGURE] for each in scored])
    return cells


def _read(path: Path) -> dict[str, Any]:
    return read_json(path, dict[str, Any])


def _mean(values: Sequence[float]) -> str:
    """In percent; of several folds with their standard deviation."""
    mean = f"{100 * statistics.fmean(values):.1f}"
    return mean if len(values) == 1 else f"{mean} ± {100 * statistics.stdev(values):.1f}"


def _with_interval(pooled: Mapping[str, Any]) -> str:
    value = f"{100 * pooled[_FIGURE]:.1f}"
    if not pooled["intervals"]:
        return value
    low, high = pooled["intervals"][_FIGURE]
    return f"{value} ({100 * low:.0f} to {100 * high:.0f})"


if __name__ == "__main__":
    leave(main())
