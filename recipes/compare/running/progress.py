"""What is shown while a comparison runs."""

import contextlib
import datetime
from collections.abc import Sequence

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from recipes.common.command import say
from recipes.common.names import HISTORY
from recipes.compare.grid_folder import GridFolder
from recipes.compare.planning.run import Run
from recipes.compare.status import expected_seconds


class GridProgress:
    """One bar for the comparison, one for each run that goes on, a line for each that has ended.

    Args:
        console: Where to draw; without a terminal there are the lines alone.
        runs: All of the comparison.
        folder: Its folder.
    """

    def __init__(self, console: Console, runs: Sequence[Run], folder: GridFolder):
        self._console, self._runs, self._folder = console, runs, folder
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
        self._task = self._progress.add_task("", total=len(runs), unit="runs")
        self._of_runs: dict[str, int] = {}
        self._at_a_time = 0
        self._count()

    def __enter__(self):
        self._progress.start()
        return self

    def __exit__(self, *_):
        self._progress.stop()

    def update(self, running: Sequence[Run]) -> None:
        """Shows what runs now, and how far it is."""
        for id in [id for id in self._of_runs if id not in {run.id for run in running}]:
            self._progress.remove_task(self._of_runs.pop(id))
        for run in running:
            if run.id not in self._of_runs:
                self._of_runs[run.id] = self._progress.add_task(
                    run.name, total=run.settings.epochs, unit="epochs"
                )
            epochs = epochs_done(self._folder, run)
            self._progress.update(self._of_runs[run.id], completed=epochs)
        if len(running) != self._at_a_time:
            self._at_a_time = len(running)
            self._count()

    def ended(self, run: Run) -> None:
        """Says what became of a run."""
        failure = None if self._folder.known(run) else self._folder.failure(run)
        if failure:
            self.say(f"Failed: {run.name}: {failure['error']} (log: {failure['log']})")
        elif self._folder.known(run):
            minutes = self._folder.seconds(run) / 60
            self.say(f"Done in {minutes:.1f} min: {run.name}")
        else:
            self.say(f"Another process is at it: {run.name}")
        self._count()

    def say(self, text: str) -> None:
        """A line that stays."""
        say(self._console, text)

    def _count(self) -> None:
        done = sum(map(self._folder.known, self._runs))
        seconds = expected_seconds(self._runs, self._folder)
        text = "Comparison"
        if seconds is not None and self._at_a_time:
            end = datetime.datetime.now() + datetime.timedelta(seconds=seconds / self._at_a_time)
            text += f", ends about {end:%a %H:%M}"
        self._progress.update(self._task, completed=done, description=text)


def epochs_done(folder: GridFolder, run: Run) -> int:
    """How many epochs a run that is not done has trained."""
    for path in folder.working(run).glob(f"fold-*/{HISTORY}"):
        with contextlib.suppress(OSError):
            return max(len(path.read_text(encoding="utf-8").splitlines()) - 1, 0)
    return 0
