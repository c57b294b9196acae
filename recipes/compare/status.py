"""How far a comparison is."""

import datetime
import statistics
from collections.abc import Mapping, Sequence

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from recipes.common.command import say
from recipes.compare.grid_folder import GridFolder
from recipes.compare.planning.cell import Cell


def show_status(cells: Sequence[Cell], folder: GridFolder, console: Console) -> None:
    """Prints how many runs of each model are done, and which have failed, with their logs.

    Args:
        cells: All of the comparison.
        folder: Its folder.
        console: Where to print.
    """
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, padding=(0, 1, 0, 0))
    table.add_column("", overflow="fold")
    for name in ("done", "running", "failed", "waiting", "min each"):
        table.add_column(name, justify="right", no_wrap=True)
    running = {cell.id for cell in cells if not folder.done(cell) and folder.running(cell)}
    seconds = _seconds(cells, folder)
    models = dict.fromkeys(cell.model for cell in cells)
    for model in models:
        chosen = [cell for cell in cells if cell.model == model]
        _add(table, model, chosen, folder, running, seconds)
    if len(models) > 1:
        table.add_section()
        _add(table, "all", cells, folder, running, seconds)
    console.print(table)
    for cell in cells:
        failure = None if folder.done(cell) else folder.failure(cell)
        if failure and cell.id not in running:
            say(console, f"Failed {failure['attempts']} times: {failure['cell']}")
            say(console, f"  {failure['error']}\n  log: {failure['log']}")
    left = _expected(cells, seconds)
    if left:
        end = datetime.datetime.now() + datetime.timedelta(seconds=left / max(len(running), 1))
        at_a_time = f"{len(running)} at a time" if running else "if one runs at a time from now on"
        say(console, f"Expected end: {end:%a %d %b %H:%M}, {at_a_time}.")


def expected_seconds(cells: Sequence[Cell], folder: GridFolder) -> float | None:
    """How long what is not done takes if one runs after the other; `None` while nothing is known.

    A model of which no run is done yet is expected to take as long as the others do.
    """
    return _expected(cells, _seconds(cells, folder))


def _seconds(cells: Sequence[Cell], folder: GridFolder) -> dict[str, float]:
    """How long each cell that is done took, by its id."""
    return {cell.id: folder.about(cell)["seconds"] for cell in cells if folder.done(cell)}


def _expected(cells: Sequence[Cell], seconds: Mapping[str, float]) -> float | None:
    if not seconds:
        return None
    by_model: dict[str, list[float]] = {}
    for cell in cells:
        if cell.id in seconds:
            by_model.setdefault(cell.model, []).append(seconds[cell.id])
    means = {model: statistics.fmean(found) for model, found in by_model.items()}
    usual = statistics.fmean(seconds.values())
    return sum(means.get(cell.model, usual) for cell in cells if cell.id not in seconds)


def _add(
    table: Table,
    name: str,
    cells: Sequence[Cell],
    folder: GridFolder,
    running: set[str],
    seconds: Mapping[str, float],
) -> None:
    took = [seconds[cell.id] for cell in cells if cell.id in seconds]
    now = sum(cell.id in running for cell in cells)
    left = [cell for cell in cells if cell.id not in seconds and cell.id not in running]
    failed = sum(folder.failure(cell) is not None for cell in left)
    table.add_row(
        Text(name),
        *map(str, (len(took), now, failed, len(left) - failed)),
        f"{statistics.fmean(took) / 60:.1f}" if took else "",
    )
