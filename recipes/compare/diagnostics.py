"""Pictures of what could explain a difference, plain beside HRF."""

from collections.abc import Sequence
from pathlib import Path

from recipes.common.names import DIAGNOSTICS
from recipes.common.results.diagnostics import read_diagnostics
from recipes.common.results.diagnostics_plot import plot_diagnostics
from recipes.common.run_folder import RunFolder
from recipes.compare.grid_folder import GridFolder
from recipes.compare.planning.run import Run


def draw_diagnostics(runs: Sequence[Run], folder: GridFolder, out: Path) -> int:
    """Draws every run with HRF that has diagnostics beside the plain one it is compared with.

    Runs have them if they were run with `diagnostics=true`. Both are of the same backbone, size,
    optimiser, learning rate, fold and seed.

    Args:
        runs: Of the comparison.
        folder: Of the comparison.
        out: Where `diagnostics-<id of the run with HRF>.png` goes.

    Returns:
        How many were drawn.
    """
    watched = [(run, path) for run in runs if (path := _watched(run, folder))]
    plain = {_pair(run): path for run, path in watched if run.condition == run.condition.plain}
    drawn = 0
    for run, path in watched:
        other = plain.get(_pair(run))
        if not run.condition.is_expanded or other is None:
            continue
        pair = {"plain": read_diagnostics(other), "HRF": read_diagnostics(path)}
        plot_diagnostics(out / f"diagnostics-{run.id}.png", pair, title=run.name)
        drawn += 1
    return drawn


def _watched(run: Run, folder: GridFolder) -> Path | None:
    """The fold's folder of a run that is done and has diagnostics."""
    path = folder.done(run)
    if path is None:
        return None
    fold = RunFolder(path).fold(run.fold)
    return fold if (fold / DIAGNOSTICS).is_file() else None


def _pair(run: Run) -> tuple:
    """What a run with HRF and the plain one that it is compared with have in common."""
    settings = run.settings
    return (
        *(run.corpus, run.fold, run.learning_rate, settings.seed),
        *(settings.backbone, run.condition.plain),
    )
