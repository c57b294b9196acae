"""Pictures of a run: confusion matrix, learning curves, diagnostics."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from keras_reparam.deploy.files import written_beside
from recipes.common.results.diagnostics import Diagnostics, effective_rank
from recipes.common.results.metrics import FIGURES, Metrics

_DARK, _GREY, _GRID = "#1f2a44", "#6b7280", "#e5e7eb"
_BLUE, _ORANGE = "#2563eb", "#ea7317"
_DPI = 160
_NARROWEST = 4.0


def plot_confusion(
    path: Path, metrics: Metrics, labels: Sequence[str], *, title: str, subtitle: str
) -> None:
    """Confusion matrix: clips in every cell, coloured by their share of the true class.

    The row of a class that does not occur is empty.
    """
    counts = np.array(metrics.confusion)
    occurs = counts.sum(axis=1) > 0
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    # Inches; few classes get large cells, so that titles have room.
    cell = max(1.0, _NARROWEST / len(labels))
    size = cell * len(labels)
    # About ten letters go into an inch; longer names stand aslant, outside.
    longest = max(map(len, labels))
    aslant = longest > 10 * cell
    names = 0.09 * longest if aslant else 0
    figure = Figure(
        figsize=(size + 2.2 + names, size + 1.5 + names / 2),
        layout="constrained",
        facecolor="white",
    )
    axes = figure.add_subplot()
    image = axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    for (row, column), share in np.ndenumerate(shares):
        if not occurs[row]:
            continue
        color = "white" if share > 0.55 else _DARK
        weight = "bold" if row == column else "normal"
        for text, height, style in (
            (f"{share:.0%}", 2, {"fontsize": 13, "fontweight": weight, "va": "bottom"}),
            (f"{counts[row, column]:,}", -6, {"fontsize": 9, "va": "top"}),
        ):
            axes.annotate(text, (column, row), (0, height), textcoords="offset points",
                          color=color, ha="center", **style)  # fmt: skip
    ticks = range(len(labels))
    if aslant:
        axes.set_xticks(ticks, labels, rotation=30, ha="right", rotation_mode="anchor")
        axes.set_yticks(ticks, labels)
    else:
        axes.set_xticks(ticks, labels)
        axes.set_yticks(ticks, labels, rotation=90, va="center")
    axes.set_xlabel("predicted", color=_GREY)
    axes.set_ylabel("true", color=_GREY)
    axes.tick_params(length=0, labelsize=11, labelcolor=_DARK)
    axes.spines[:].set_visible(False)
    # White lines between the cells.
    axes.set_xticks(np.arange(len(labels) + 1) - 0.5, minor=True)
    axes.set_yticks(np.arange(len(labels) + 1) - 0.5, minor=True)
    axes.grid(which="minor", color="white", linewidth=2)
    axes.tick_params(which="minor", length=0)
    # Beside the matrix, however much of the figure that is.
    beside = axes.inset_axes((1.0 + 0.25 / size, 0.1, 0.25 / size, 0.8))
    bar = figure.colorbar(image, cax=beside, format="{x:.0%}")
    bar.set_label("share of the true class", color=_GREY)
    bar.outline.set_visible(False)
    bar.ax.tick_params(length=0, labelcolor=_GREY, labelsize=9)
    _titles(axes, title, subtitle)
    _save(figure, path)


def plot_curves(
    path: Path,
    history: Sequence[Mapping[str, float]],
    *,
    chosen: int,
    title: str,
    subtitle: str,
    select_on: str = "ua",
) -> None:
    """Losses and what the validation clips choose by, over the epochs, and the one chosen.

    Args:
        path: The PNG.
        history: One row per epoch: `epoch` (from 1), `loss`, `val_loss`, and `val_ua` or the like.
        chosen: The epoch whose weights were kept.
        title: What was trained.
        subtitle: On which data.
        select_on: What the epochs were compared by, one of `results.metrics.FIGURES`.

    Raises:
        ValueError: If the chosen epoch is none of the history's.
    """
    epochs = [row["epoch"] for row in history]
    if chosen not in epochs:
        raise ValueError(f"`chosen` must be an epoch of the history. Received: chosen={chosen}")
    scores = [100 * row[f"val_{select_on}"] for row in history]
    best = scores[epochs.index(chosen)]
    figure = Figure(figsize=(8, 5.6), layout="constrained", facecolor="white")
    upper, lower = figure.subplots(2, sharex=True)
    # A single epoch has no line, but a point.
    style = {"linewidth": 2, "marker": "." if len(epochs) == 1 else None}
    upper.plot(epochs, scores, color=_BLUE, **style)
    upper.plot([chosen], [best], "o", color=_BLUE, markersize=8)
    upper.set_ylabel(f"validation {FIGURES[select_on]} in %", color=_GREY)
    upper.set_ylim(0, 103)
    for name, column, color in (("training", "loss", _GREY), ("validation", "val_loss", _ORANGE)):
        lower.plot(epochs, [row[column] for row in history], color=color, label=name, **style)
    lower.set_ylabel("loss", color=_GREY)
    lower.set_ylim(0, 1.05 * lower.get_ylim()[1])
    lower.set_xlabel("epoch", color=_GREY)
    lower.set_xlim(min(epochs) - 0.5, max(epochs) + 0.5)
    lower.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1, steps=(1, 2, 5, 10)))
    lower.legend(frameon=False, labelcolor=_DARK)
    for axes in (upper, lower):
        axes.axvline(chosen, color=_BLUE, linewidth=1, linestyle=":")
        axes.grid(axis="y", color=_GRID)
        _quiet_frame(axes)
    right = chosen > (min(epochs) + max(epochs)) / 2
    upper.annotate(
        f"epoch {chosen}: {best:.1f} %",
        # Where the curve is not.
        (chosen, 5 if best > 50 else 93),
        xytext=(-6 if right else 6, 0),
        textcoords="offset points",
        ha="right" if right else "left",
        color=_BLUE,
    )
    _titles(upper, title, subtitle)
    _save(figure, path)


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
        color = (_BLUE, _ORANGE)[number]
        _draw_epochs(upper, run, color, name if len(runs) == 2 else None)
        for axes, epoch in zip(lower, _moments(run), strict=True):
            for values in run.singular_values.values():
                found = values[epoch]
                axes.plot(range(1, len(found) + 1), found, color=color, linewidth=1, alpha=0.5)
    upper[0].set_ylabel("loss (dashed: training)", color=_GREY)
    upper[1].set_ylabel("gradient norm before clipping", color=_GREY)
    upper[2].set_ylabel("effective rank (thick: mean of layers)", color=_GREY)
    for axes in upper:
        axes.set_xlabel("epoch", color=_GREY)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1, steps=(1, 2, 5, 10)))
    for axes in upper[:2]:
        axes.set_ylim(bottom=0)
    _draw_spectra(lower, runs)
    for axes in (*upper, *lower):
        axes.grid(axis="y", color=_GRID)
        _quiet_frame(axes)
    if len(runs) == 2:
        upper[0].legend(frameon=False, labelcolor=_DARK)
    figure.suptitle(title, x=0.01, ha="left", color=_DARK, fontsize=13, fontweight="bold")
    _save(figure, path)


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
        each.set_title(name, loc="left", color=_DARK, fontsize=10)
        each.set_xlabel("number of the singular value", color=_GREY)
        each.set_ylim(0, top)
    axes[0].set_ylabel("singular value (a line for each layer)", color=_GREY)


def _quiet_frame(axes) -> None:
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color(_GRID)
    axes.tick_params(length=0, labelcolor=_GREY)


def _save(figure: Figure, path: Path) -> None:
    """Whole or not at all."""
    with written_beside(path) as beside:
        figure.savefig(beside, dpi=_DPI)


def _titles(axes, title: str, subtitle: str) -> None:
    axes.set_title(title, loc="left", color=_DARK, fontsize=13, fontweight="bold", pad=24)
    axes.annotate(
        subtitle, (0, 1), (0, 8), xycoords="axes fraction", textcoords="offset points",
        color=_GREY, fontsize=9.5, va="bottom",
    )  # fmt: skip
