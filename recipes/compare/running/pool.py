"""Runs cells on this machine, several at a time, each in a process of its own."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from recipes.compare.grid_folder import GridFolder
from recipes.compare.planning.cell import Cell
from recipes.compare.running.progress import GridProgress
from recipes.compare.running.threads import environment_of, threads_of

# What a cell's process ends with when another one works on the cell.
BUSY = 3
_ATTEMPTS = 3
_LOOK_AGAIN = 0.5
_TIME_TO_STOP = 10.0


def run_in_pool(
    cells: Sequence[tuple[int, Cell]],
    folder: GridFolder,
    *,
    prepared: Path,
    workers: int,
    progress: GridProgress,
) -> None:
    """Runs cells in their order, `workers` at a time; one whose process dies is run again.

    Each is `python -m recipes.compare cell NUMBER`. The cores are shared out evenly. After Ctrl-C
    what was running is stopped, and goes on from its last epoch in the next call.

    Args:
        cells: Numbers in the grid, and cells.
        folder: Of the comparison.
        prepared: Where the corpora are prepared.
        workers: How many at a time.
        progress: What is shown meanwhile.
    """
    waiting = list(cells)
    deaths: dict[str, int] = {}
    running: dict[str, tuple[int, Cell, subprocess.Popen]] = {}
    with _stopped_at_the_end(running):
        while waiting or running:
            while waiting and len(running) < workers:
                number, cell = waiting.pop(0)
                process = _start(number, cell, folder, prepared, threads_of(workers))
                running[cell.id] = (number, cell, process)
            time.sleep(_LOOK_AGAIN)
            progress.update([cell for _, cell, _ in running.values()])
            for number, cell, process in list(running.values()):
                if process.poll() is None:
                    continue
                del running[cell.id]
                if _died(process, cell, folder):
                    deaths[cell.id] = deaths.get(cell.id, 0) + 1
                    if deaths[cell.id] < _ATTEMPTS:
                        progress.say(f"Its process died, it runs again: {cell.name}")
                        waiting.insert(0, (number, cell))
                        continue
                    folder.fail(cell, f"its process died {_ATTEMPTS} times, the last time "
                                f"by {_death(process.returncode)}")  # fmt: skip
                progress.ended(cell)


def _start(
    number: int, cell: Cell, folder: GridFolder, prepared: Path, threads: int
) -> subprocess.Popen:
    command = [sys.executable, "-m", "recipes.compare", "cell", str(number)]
    command += ["--grid", str(folder.path), "--prepared", str(prepared)]
    with folder.log(cell).open("a", encoding="utf-8") as log:
        return subprocess.Popen(
            command,
            env={**os.environ, **environment_of(threads)},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )


def _died(process: subprocess.Popen, cell: Cell, folder: GridFolder) -> bool:
    """Whether it ended without having said what became of the cell."""
    return process.returncode not in (0, 1, BUSY) and folder.done(cell) is None


def _death(code: int) -> str:
    """By what a process ended, in words."""
    if code >= 0:
        return f"exit code {code}"
    with contextlib.suppress(ValueError):
        return signal.Signals(-code).name
    return f"signal {-code}"


@contextlib.contextmanager
def _stopped_at_the_end(running: dict[str, tuple[int, Cell, subprocess.Popen]]) -> Iterator[None]:
    """Stops what is still running when the block ends."""
    try:
        yield
    finally:
        processes = [process for _, _, process in running.values()]
        for process in processes:
            process.terminate()
        end = time.monotonic() + _TIME_TO_STOP
        for process in processes:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(max(0.0, end - time.monotonic()))
                continue
            process.kill()
            process.wait()
