"""What is shown while cells run."""

import contextlib
import datetime
from collections.abc import Sequence

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from recipes.common.command import say
from recipes.common.names import HISTORY
from recipes.compare.grid_folder import GridFolder
from recipes.compare.planning.cell import Cell
from recipes.compare.status import expected_seconds


class GridProgress:
    """One bar for the comparison, one for each cell that runs, and a line for each that has ended.

    Args:
        console: Where to draw; without a terminal there are the lines alone.
        cells: All of the comparison.
        folder: Its folder.
    """

    def __init__(self, console: Console, cells: Sequence[Cell], folder: GridFolder):
        self._console, self._cells, self._folder = console, cells, folder
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=None),
            MofNCompleteColumn(),
            TextColumn("{task.fields[unit]}"),
            console=console,
            transient=True,
            expand=True,
            disable=not console.is_terminal,
        )
        self._task = self._progress.add_task("", total=len(cells), unit="runs")
        self._of_cells: dict[str, int] = {}
        self._at_a_time = 0
        self._count()

    def __enter__(self):
        self._progress.start()
        return self

    def __exit__(self, *_):
        self._progress.stop()

    def update(self, running: Sequence[Cell]) -> None:
        """Shows what runs now, and how far it is."""
        for id in [id for id in self._of_cells if id not in {cell.id for cell in running}]:
            self._progress.remove_task(self._of_cells.pop(id))
        for cell in running:
            if cell.id not in self._of_cells:
                self._of_cells[cell.id] = self._progress.add_task(
                    cell.name, total=cell.settings.epochs, unit="epochs"
                )
            epochs = epochs_done(self._folder, cell)
            self._progress.update(self._of_cells[cell.id], completed=epochs)
        if len(running) != self._at_a_time:
            self._at_a_time = len(running)
            self._count()

    def ended(self, cell: Cell) -> None:
        """Says what became of a cell."""
        failure = None if self._folder.done(cell) else self._folder.failure(cell)
        if failure:
            self.say(f"Failed: {cell.name}: {failure['error']} (log: {failure['log']})")
        elif self._folder.done(cell):
            minutes = self._folder.about(cell)["seconds"] / 60
            self.say(f"Done in {minutes:.1f} min: {cell.name}")
        else:
            self.say(f"Another process is at it: {cell.name}")
        self._count()

    def say(self, text: str) -> None:
        """A line that stays."""
        say(self._console, text)

    def _count(self) -> None:
        done = sum(self._folder.done(cell) is not None for cell in self._cells)
        seconds = expected_seconds(self._cells, self._folder)
        text = "Comparison"
        if seconds is not None and self._at_a_time:
            end = datetime.datetime.now() + datetime.timedelta(seconds=seconds / self._at_a_time)
            text += f", ends about {end:%a %H:%M}"
        self._progress.update(self._task, completed=done, description=text)


def epochs_done(folder: GridFolder, cell: Cell) -> int:
    """How many epochs a cell that is not done has trained."""
    for path in folder.working(cell).glob(f"fold-*/{HISTORY}"):
        with contextlib.suppress(OSError):
            return max(len(path.read_text(encoding="utf-8").splitlines()) - 1, 0)
    return 0
