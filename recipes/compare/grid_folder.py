"""The folder of a comparison: what was planned, what has run, what failed."""

import contextlib
import datetime
import hashlib
import math
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from recipes.common.configuration import checked
from recipes.common.files.json_file import read_json, write_json
from recipes.common.files.lock import exclusive
from recipes.compare.finished import CELL, differences
from recipes.compare.planning.cell import Cell
from recipes.compare.planning.grid import Grid

_A_MOMENT = 2.0


class GridFolder:
    """What was planned, what has run, what failed.

    `grid.json` says what is to be compared; `cells/<id>/` is the run folder of a cell that is
    done, and nothing in it ever changes; `working/<id>/run/` of one that is not; `failed/<id>.json`
    says why one has failed; `logs/<id>.log` is what all its attempts printed.

    Args:
        path: The folder.
    """

    def __init__(self, path: Path):
        self.path = path

    def begin(self, grid: Grid) -> None:
        """Writes what is to be compared; what has run of another grid stays where it is."""
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

    def done(self, cell: Cell) -> Path | None:
        """The run folder of a cell, if it is done."""
        path = self._cell(cell.id)
        if path.is_dir():
            return path
        former = self._cell(cell.former_id)
        return former if former.is_dir() and not differences(cell, former) else None

    def about(self, cell: Cell) -> dict[str, Any]:
        """What a cell that is done says of itself."""
        return read_json((self.done(cell) or self._cell(cell.id)) / CELL, dict[str, Any])

    def log(self, cell: Cell) -> Path:
        """What all attempts at a cell printed."""
        path = self.path / "logs" / f"{cell.id}.log"
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    def working(self, cell: Cell) -> Path:
        """The run folder of a cell that is not done."""
        return self._attempt(cell) / "run"

    def failure(self, cell: Cell) -> dict[str, Any] | None:
        """Why a cell has failed, and how often; `None`: it has not."""
        path = self._failure(cell)
        return read_json(path, dict[str, Any]) if path.is_file() else None

    def running(self, cell: Cell) -> bool:
        """Whether some process works on the cell just now."""
        attempt = self._attempt(cell)
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
    def attempt(self, cell: Cell) -> Iterator[Path]:
        """Within it the cell is this process's alone; gives its run folder, where a former
        attempt may have left what to go on with.

        Raises:
            BlockingIOError: If another process works on it.
        """
        attempt = self._attempt(cell)
        attempt.mkdir(parents=True, exist_ok=True)
        # Whoever asks whether a cell is running holds its lock for a moment.
        with exclusive(attempt, patience=_A_MOMENT):
            yield attempt / "run"

    def publish(self, cell: Cell) -> Path:
        """Makes the attempt's run folder the cell's, at once; only within `attempt`."""
        path = self._cell(cell.id)
        path.parent.mkdir(parents=True, exist_ok=True)
        # The folder of an ended cell is never replaced: that would be an error of the system's.
        os.rename(self.working(cell), path)
        self._failure(cell).unlink(missing_ok=True)
        self.forget(cell)
        return path

    def forget(self, cell: Cell) -> None:
        """Removes what is left of attempts at a cell that is done."""
        shutil.rmtree(self._attempt(cell), ignore_errors=True)

    def fail(self, cell: Cell, error: str) -> None:
        """Notes that an attempt has failed."""
        before = self.failure(cell)
        path = self._failure(cell)
        path.parent.mkdir(parents=True, exist_ok=True)
        write_json(
            path,
            {
                "cell": cell.name,
                "error": error,
                "attempts": (before["attempts"] if before else 0) + 1,
                "time": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
                "log": str(self.log(cell)),
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

    def _cell(self, id: str) -> Path:
        return self.path / "cells" / id

    def _attempt(self, cell: Cell) -> Path:
        return self.path / "working" / cell.id

    def _failure(self, cell: Cell) -> Path:
        return self.path / "failed" / f"{cell.id}.json"
