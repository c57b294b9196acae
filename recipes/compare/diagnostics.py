"""Pictures of what could explain a difference, plain beside HRF."""

from collections.abc import Sequence
from pathlib import Path

from recipes.common.names import DIAGNOSTICS
from recipes.common.results.diagnostics import read_diagnostics
from recipes.common.results.diagnostics_plot import plot_diagnostics
from recipes.common.run_folder import RunFolder
from recipes.compare.grid_folder import GridFolder
from recipes.compare.planning.cell import Cell


def draw_diagnostics(cells: Sequence[Cell], folder: GridFolder, out: Path) -> int:
    """Draws every run with HRF that has diagnostics beside the plain one it is compared with.

    Runs have them if they were run with `diagnostics=true`. Both are of the same backbone, size,
    optimiser, learning rate, fold and seed.

    Args:
        cells: Of the comparison.
        folder: Of the comparison.
        out: Where `diagnostics-<id of the run with HRF>.png` goes.

    Returns:
        How many were drawn.
    """
    watched = [(cell, path) for cell in cells if (path := _watched(cell, folder))]
    plain = {_pair(cell): path for cell, path in watched if cell.arm == cell.arm.plain}
    drawn = 0
    for cell, path in watched:
        other = plain.get(_pair(cell))
        if not cell.arm.is_expanded or other is None:
            continue
        runs = {"plain": read_diagnostics(other), "HRF": read_diagnostics(path)}
        plot_diagnostics(out / f"diagnostics-{cell.id}.png", runs, title=cell.name)
        drawn += 1
    return drawn


def _watched(cell: Cell, folder: GridFolder) -> Path | None:
    """The fold's folder of a cell that is done and has diagnostics."""
    path = folder.done(cell)
    if path is None:
        return None
    fold = RunFolder(path).fold(cell.fold)
    return fold if (fold / DIAGNOSTICS).is_file() else None


def _pair(cell: Cell) -> tuple:
    """What a run with HRF and the plain one that it is compared with have in common."""
    settings = cell.settings
    return (
        *(cell.corpus, cell.fold, cell.learning_rate, settings.seed),
        *(settings.backbone, cell.arm.plain),
    )
