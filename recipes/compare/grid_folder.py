"""The folder of a comparison: what was planned, what has run, what failed."""

import contextlib
import datetime
import functools
import hashlib
import math
import os
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from recipes.common.configuration import checked
from recipes.common.files.former_names import existing, with_new_names
from recipes.common.files.json_file import read_json, write_json
from recipes.common.files.lock import exclusive
from recipes.compare.finished import read_planned
from recipes.compare.planning.grid import Grid
from recipes.compare.planning.run import Run
from recipes.compare.tables.tables import Tables, read_tables, write_tables

_A_MOMENT = 2.0


class GridFolder:
    """What was planned, what has run, what failed.

    `grid.json` says what is to be compared; `finished/<id>/` is the folder of a run that is done,
    and nothing in it ever changes; `working/<id>/run/` of one that is not; `failed/<id>.json`
    says why one has failed; `logs/<id>.log` is what all its attempts printed;
    `degraded/<id>.json` how one that is done does on degraded clips, `crossed/<id>.json` how on
    other corpora. `earlier/` has compact tables of runs that were done elsewhere.

    Args:
        path: The folder.
    """

    def __init__(self, path: Path):
        self.path = path

    def begin(self, grid: Grid, earlier: Path | None = None) -> None:
        """Writes what is to be compared; what has run of another grid stays where it is.

        Args:
            grid: What it is.
            earlier: Compact tables of runs that were done elsewhere, which are copied.

        Raises:
            FileNotFoundError: If there are no such tables.
            ValueError: If they can't be read.
        """
        if earlier is not None:
            write_tables(self._tables, read_tables(earlier))
            for name in ("earlier", "_seconds"):
                vars(self).pop(name, None)
        self.path.mkdir(parents=True, exist_ok=True)
        write_json(self.path / "grid.json", grid.model_dump(mode="json"))

    @property
    def begun(self) -> bool:
        """Whether anything was planned here."""
        return (self.path / "grid.json").is_file()

    def grid(self) -> Grid:
        """What is to be compared.

        Raises:
            FileNotFoundError: If nothing was planned here.
        """
        if not self.begun:
            raise FileNotFoundError(
                f"There is no comparison in '{self.path}': give --config FILE, or axes such as "
                "`corpora=[emodb]`"
            )
        return checked(Grid, read_json(self.path / "grid.json", dict[str, Any]))

    def done(self, run: Run) -> Path | None:
        """The folder of a run, if it is done."""
        path = existing(self.path, f"finished/{run.id}")
        return path if path.is_dir() else None

    @functools.cached_property
    def earlier(self) -> Tables | None:
        """Runs that were done elsewhere, of whichever grid."""
        return read_tables(self._tables) if self._tables.is_dir() else None

    def known(self, run: Run) -> bool:
        """Whether a run's result is there: it is done, or was elsewhere."""
        return self.done(run) is not None or run.id in self._seconds

    @functools.cached_property
    def _seconds(self) -> dict[str, float]:
        """Of runs that were done elsewhere, by their ids."""
        return {each.run: each.seconds for each in self.earlier.runs} if self.earlier else {}

    def left(self, runs: Sequence[Run], *, again: bool) -> list[tuple[int, Run]]:
        """Runs that are to run, with their numbers from 1.

        Args:
            runs: All of the comparison.
            again: Whether those that have failed are to run once more, too.
        """
        return [
            (number, run)
            for number, run in enumerate(runs, start=1)
            if not self.known(run) and (again or not self.failure(run))
        ]

    def finished(self) -> list[Path]:
        """The folders of all runs that are done, of whichever grid."""
        path = existing(self.path, "finished")
        return sorted(path.iterdir()) if path.is_dir() else []

    def degraded(self, finished: Path) -> Path:
        """What is kept of a run in this folder that is done, on degraded clips."""
        return self.path / "degraded" / f"{finished.name}.json"

    def crossed(self, finished: Path) -> Path:
        """What is kept of a run in this folder that is done, on other corpora."""
        return self.path / "crossed" / f"{finished.name}.json"

    def seconds(self, run: Run) -> float:
        """How long a run took whose result is known."""
        path = self.done(run)
        return read_planned(path)["seconds"] if path else self._seconds[run.id]

    def log(self, run: Run) -> Path:
        """What all attempts at a run printed."""
        path = self.path / "logs" / f"{run.id}.log"
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    def working(self, run: Run) -> Path:
        """The folder of a run that is not done."""
        return self._attempt(run) / "run"

    def failure(self, run: Run) -> dict[str, Any] | None:
        """Why a run has failed, and how often; `None`: it has not."""
        path = self._failure(run)
        return with_new_names(read_json(path, dict[str, Any])) if path.is_file() else None

    def running(self, run: Run) -> bool:
        """Whether some process works on the run just now."""
        attempt = self._attempt(run)
        if not attempt.is_dir():
            return False
        try:
            with exclusive(attempt):
                return False
        except BlockingIOError:
            return True
        except FileNotFoundError:
            # It has just ended.
            return False

    @contextlib.contextmanager
    def attempt(self, run: Run) -> Iterator[Path]:
        """Within it the run is this process's alone; gives its folder, in which an earlier attempt
        may have left what to go on with.

        Raises:
            BlockingIOError: If another process works on it.
        """
        attempt = self._attempt(run)
        attempt.mkdir(parents=True, exist_ok=True)
        # Whoever asks whether a run is running holds its lock for a moment.
        with exclusive(attempt, patience=_A_MOMENT):
            yield attempt / "run"

    def publish(self, run: Run) -> Path:
        """Makes the attempt's folder the run's, at once; only within `attempt`."""
        path = self._finished(run)
        path.parent.mkdir(parents=True, exist_ok=True)
        # The folder of an ended run is never replaced: that would be an error of the system's.
        os.rename(self.working(run), path)
        self._failure(run).unlink(missing_ok=True)
        self.forget(run)
        return path

    def forget(self, run: Run) -> None:
        """Removes what is left of attempts at a run that is done."""
        shutil.rmtree(self._attempt(run), ignore_errors=True)

    def fail(self, run: Run, error: str) -> None:
        """Notes that an attempt has failed."""
        before = self.failure(run)
        path = self._failure(run)
        path.parent.mkdir(parents=True, exist_ok=True)
        write_json(
            path,
            {
                "run": run.name,
                "error": error,
                "attempts": (before["attempts"] if before else 0) + 1,
                "time": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
                "log": str(self.log(run)),
            },
        )

    @contextlib.contextmanager
    def measuring(self, what: str) -> Iterator[Path]:
        """Within it `what` is measured by this process alone; gives the file to keep it in.

        Another process that needs it waits.
        """
        name = hashlib.sha256(what.encode()).hexdigest()[:12]
        folder = self.path / "measured" / name
        folder.mkdir(parents=True, exist_ok=True)
        with exclusive(folder, patience=math.inf):
            yield folder / "measured.json"

    @property
    def _tables(self) -> Path:
        return self.path / "earlier"

    def _finished(self, run: Run) -> Path:
        return self.path / "finished" / run.id

    def _attempt(self, run: Run) -> Path:
        return self.path / "working" / run.id

    def _failure(self, run: Run) -> Path:
        return self.path / "failed" / f"{run.id}.json"
