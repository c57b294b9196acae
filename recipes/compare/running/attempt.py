"""An attempt at a run, in a process that has not imported Keras yet."""

from pathlib import Path

from recipes.common.command import speed_up, starting_keras
from recipes.compare.grid_folder import GridFolder
from recipes.compare.planning.corpora import prepared_corpus
from recipes.compare.planning.run import Run


def attempt(run: Run, folder: GridFolder, prepared: Path) -> bool:
    """Makes an attempt; returns whether it is done now.

    Args:
        run: What to run.
        folder: Of the comparison.
        prepared: Where the corpora are prepared.

    Raises:
        BlockingIOError: If another process is at it.
    """
    if folder.known(run):
        return True
    speed_up()
    with starting_keras():
        from recipes.compare.running.run_one import run_one
    return run_one(run, folder, prepared_corpus(run.corpus, prepared))
