"""Trains on this machine, several at a time, each in a process of its own."""

import collections
import contextlib
import dataclasses
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from recipes.compare.grid_folder import GridFolder
from recipes.compare.planning.run import Run
from recipes.compare.running.progress import GridProgress
from recipes.compare.running.threads import environment_of, threads_of

# What a run's process ends with when another one works on the run.
BUSY = 3
_ATTEMPTS = 3
_LOOK_AGAIN = 0.5
_TIME_TO_STOP = 10.0


def run_in_pool(
    runs: Sequence[tuple[int, Run]],
    folder: GridFolder,
    *,
    prepared: Path,
    workers: int,
    progress: GridProgress,
) -> None:
    """Starts runs in their order, `workers` at a time; one whose process dies is run again.

    Each is `python -m recipes.compare run-one NUMBER`. The cores are shared out evenly. After
    Ctrl-C what was running is stopped, and goes on from its last epoch in the next call.

    Args:
        runs: Numbers in the grid, and runs.
        folder: Of the comparison.
        prepared: Where the corpora are prepared.
        workers: How many at a time.
        progress: What is shown meanwhile.
    """
    waiting = list(runs)
    running: list[_Running] = []
    deaths: collections.Counter[str] = collections.Counter()
    with _stopped_at_the_end(running):
        while waiting or running:
            while waiting and len(running) < workers:
                number, run = waiting.pop(0)
                process = _start(number, folder.log(run), folder, prepared, threads_of(workers))
                running.append(_Running(number, run, process))
            time.sleep(_LOOK_AGAIN)
            progress.update([each.run for each in running])
            for each in [each for each in running if each.process.poll() is not None]:
                running.remove(each)
                if _is_to_run_again(each, folder, deaths):
                    progress.say(f"Its process died, it runs again: {each.run.name}")
                    waiting.insert(0, (each.number, each.run))
                else:
                    progress.ended(each.run)


@dataclasses.dataclass(frozen=True)
class _Running:
    number: int
    run: Run
    process: subprocess.Popen


def _start(
    number: int, log: Path, folder: GridFolder, prepared: Path, threads: int
) -> subprocess.Popen:
    command = [sys.executable, "-m", "recipes.compare", "run-one", str(number)]
    command += ["--grid", str(folder.path), "--prepared", str(prepared)]
    with log.open("a", encoding="utf-8") as file:
        return subprocess.Popen(
            command,
            env={**os.environ, **environment_of(threads)},
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=file,
        )


def _is_to_run_again(ended: _Running, folder: GridFolder, deaths: collections.Counter[str]) -> bool:
    """Whether its process died, not too often yet; if it was too often, that is noted."""
    run, code = ended.run, ended.process.returncode
    # Else it has said itself what became of the run.
    if code in (0, 1, BUSY) or folder.done(run):
        return False
    deaths[run.id] += 1
    if deaths[run.id] < _ATTEMPTS:
        return True
    folder.fail(run, f"its process died {_ATTEMPTS} times, the last time by {_death(code)}")
    return False


def _death(code: int) -> str:
    """By what a process ended, in words."""
    if code >= 0:
        return f"exit code {code}"
    with contextlib.suppress(ValueError):
        return signal.Signals(-code).name
    return f"signal {-code}"


@contextlib.contextmanager
def _stopped_at_the_end(running: list[_Running]) -> Iterator[None]:
    """Stops what is still running when the block ends."""
    try:
        yield
    finally:
        for each in running:
            each.process.terminate()
        end = time.monotonic() + _TIME_TO_STOP
        for each in running:
            with contextlib.suppress(subprocess.TimeoutExpired):
                each.process.wait(max(0.0, end - time.monotonic()))
                continue
            each.process.kill()
            each.process.wait()
