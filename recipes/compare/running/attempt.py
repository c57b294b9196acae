"""An attempt at a cell, in a process that has not imported Keras yet."""

from pathlib import Path

from recipes.common.command import speed_up, starting_keras
from recipes.compare.grid_folder import GridFolder
from recipes.compare.planning.cell import Cell
from recipes.compare.planning.corpora import prepared_corpus


def attempt(cell: Cell, folder: GridFolder, prepared: Path) -> bool:
    """Runs a cell; returns whether it is done now.

    Args:
        cell: What to run.
        folder: Of the comparison.
        prepared: Where the corpora are prepared.

    Raises:
        BlockingIOError: If another process is at it.
    """
    if folder.done(cell):
        return True
    speed_up()
    with starting_keras():
        from recipes.compare.running.run_cell import run_cell
    return run_cell(cell, folder, prepared_corpus(cell.corpus, prepared))
