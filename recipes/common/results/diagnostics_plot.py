"""A picture of what could explain how a training went."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from recipes.common.results.diagnostics import Diagnostics, effective_rank
from recipes.common.results.style import BLUE, DARK, GREY, ORANGE, quiet_frame, save


def plot_diagnostics(path: Path, runs: Mapping[str, Diagnostics], *, title: str) -> None:
    """Losses, gradient norm, effective rank and singular values of one run, or of two compared.

    Singular values are those of every watched layer, thin, before training, in the middle of it,
    and at the chosen epoch (or else the last one); ranks those of every layer and, thick, their
    mean.

    Args:
        path: The PNG.
        runs: What each is called, and what it has.
        title: What was trained.

    Raises:
        ValueError: If there are none or more than two, or if they are of different backbones.
    """
    if not 1 <= len(runs) <= 2:
        raise ValueError(f"One run is shown, or two. Received: {len(runs)}")
    layers = [list(run.singular_values) for run in runs.values()]
    if layers[0] != layers[-1]:
        raise ValueError(f"Two runs are of the same layers. Received: {layers[0]}, {layers[-1]}")
    figure = Figure(figsize=(12, 7), layout="constrained", facecolor="white")
    upper, lower = figure.subplots(2, 3)
    for number, (name, run) in enumerate(runs.items()):
        color = (BLUE, ORANGE)[number]
        _draw_epochs(upper, run, color, name if len(runs) == 2 else None)
        for axes, epoch in zip(lower, _moments(run), strict=True):
            for values in run.singular_values.values():
                found = values[epoch]
                axes.plot(range(1, len(found) + 1), found, color=color, linewidth=1, alpha=0.5)
    upper[0].set_ylabel("loss (dashed: training)", color=GREY)
    upper[1].set_ylabel("gradient norm before clipping", color=GREY)
    upper[2].set_ylabel("effective rank (thick: mean of layers)", color=GREY)
    for axes in upper:
        axes.set_xlabel("epoch", color=GREY)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1, steps=(1, 2, 5, 10)))
    for axes in upper[:2]:
        axes.set_ylim(bottom=0)
    _draw_spectra(lower, runs)
    for axes in (*upper, *lower):
        quiet_frame(axes)
    if len(runs) == 2:
        upper[0].legend(frameon=False, labelcolor=DARK)
    figure.suptitle(title, x=0.01, ha="left", color=DARK, fontsize=13, fontweight="bold")
    save(figure, path)


def _moments(run: Diagnostics) -> tuple[int, int, int]:
    """The epochs whose singular values are shown."""
    last = len(run.rows)
    return 0, last // 2, last if run.chosen is None else run.chosen


def _draw_epochs(axes, run: Diagnostics, color: str, name: str | None) -> None:
    """Losses, gradient norm and effective ranks over the epochs, on one axes each."""
    losses, norms, ranks = axes
    epochs = [row["epoch"] for row in run.rows]
    # A single epoch has no line, but a point.
    style = {"color": color, "linewidth": 2, "marker": "." if len(epochs) == 1 else None}
    losses.plot(epochs, [row["loss"] for row in run.rows], linestyle="--", **style)
    losses.plot(epochs, [row["val_loss"] for row in run.rows], label=name, **style)
    norms.plot(epochs, [row["gradient_norm"] for row in run.rows], **style)
    found = np.array(
        [[effective_rank(values) for values in of] for of in run.singular_values.values()]
    )
    ranks.plot(found.T, color=color, linewidth=1, alpha=0.4)
    ranks.plot(found.mean(axis=0), color=color, linewidth=2.5)
    if run.chosen is not None:
        for each in axes:
            each.axvline(run.chosen, color=color, linewidth=1, linestyle=":")


def _draw_spectra(axes, runs: Mapping[str, Diagnostics]) -> None:
    """Titles and common scales of the singular values."""
    moments = zip(*(_moments(run) for run in runs.values()), strict=True)
    start, middle, end = (" and ".join(map(str, dict.fromkeys(found))) for found in moments)
    last = "last" if any(run.chosen is None for run in runs.values()) else "kept"
    names = (f"epoch {start}: before training", f"epoch {middle}", f"epoch {end}: {last}")
    top = max(each.get_ylim()[1] for each in axes)
    for each, name in zip(axes, names, strict=True):
        each.set_title(name, loc="left", color=DARK, fontsize=10)
        each.set_xlabel("number of the singular value", color=GREY)
        each.set_ylim(0, top)
    axes[0].set_ylabel("singular value (a line for each layer)", color=GREY)
