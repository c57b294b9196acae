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
from recipes.compare.planning.run import Run


def show_status(runs: Sequence[Run], folder: GridFolder, console: Console) -> None:
    """Prints how many runs of each model are done, and which have failed, with their logs.

    Args:
        runs: All of the comparison.
        folder: Its folder.
        console: Where to print.
    """
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, padding=(0, 1, 0, 0))
    table.add_column("", overflow="fold")
    for name in ("done", "running", "failed", "waiting", "min each"):
        table.add_column(name, justify="right", no_wrap=True)
    running = {run.id for run in runs if not folder.known(run) and folder.running(run)}
    seconds = _seconds(runs, folder)
    models = dict.fromkeys(run.model for run in runs)
    for model in models:
        chosen = [run for run in runs if run.model == model]
        _add(table, model, chosen, folder, running, seconds)
    if len(models) > 1:
        table.add_section()
        _add(table, "all", runs, folder, running, seconds)
    console.print(table)
    for run in runs:
        failure = None if folder.known(run) else folder.failure(run)
        if failure and run.id not in running:
            say(console, f"Failed {failure['attempts']} times: {failure['run']}")
            say(console, f"  {failure['error']}\n  log: {failure['log']}")
    left = _expected(runs, seconds)
    if left:
        end = datetime.datetime.now() + datetime.timedelta(seconds=left / max(len(running), 1))
        at_a_time = f"{len(running)} at a time" if running else "if one runs at a time from now on"
        say(console, f"Expected end: {end:%a %d %b %H:%M}, {at_a_time}.")


def expected_seconds(runs: Sequence[Run], folder: GridFolder) -> float | None:
    """How long what is not done takes if one runs after the other; `None` while nothing is known.

    A model of which no run is done yet is expected to take as long as the others do.
    """
    return _expected(runs, _seconds(runs, folder))


def _seconds(runs: Sequence[Run], folder: GridFolder) -> dict[str, float]:
    """How long each run took whose result is known, by its id."""
    return {run.id: folder.seconds(run) for run in runs if folder.known(run)}


def _expected(runs: Sequence[Run], seconds: Mapping[str, float]) -> float | None:
    if not seconds:
        return None
    by_model: dict[str, list[float]] = {}
    for run in runs:
        if run.id in seconds:
            by_model.setdefault(run.model, []).append(seconds[run.id])
    means = {model: statistics.fmean(found) for model, found in by_model.items()}
    usual = statistics.fmean(seconds.values())
    return sum(means.get(run.model, usual) for run in runs if run.id not in seconds)


def _add(
    table: Table,
    name: str,
    runs: Sequence[Run],
    folder: GridFolder,
    running: set[str],
    seconds: Mapping[str, float],
) -> None:
    took = [seconds[run.id] for run in runs if run.id in seconds]
    now = sum(run.id in running for run in runs)
    left = [run for run in runs if run.id not in seconds and run.id not in running]
    failed = sum(folder.failure(run) is not None for run in left)
    table.add_row(
        Text(name),
        *map(str, (len(took), now, failed, len(left) - failed)),
        f"{statistics.fmean(took) / 60:.1f}" if took else "",
    )
