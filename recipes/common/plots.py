"""Pictures of a run: confusion matrix and learning curves."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from recipes.common.metrics import Metrics

_DARK, _GREY, _GRID = "#1f2a44", "#6b7280", "#e5e7eb"
_BLUE, _ORANGE = "#2563eb", "#ea7317"
_DPI = 160


def plot_confusion(
    path: Path, metrics: Metrics, labels: Sequence[str], *, title: str, subtitle: str
) -> None:
    """Confusion matrix: clips in every cell, coloured by their share of the true class."""
    counts = np.array(metrics.confusion)
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    size = 1.5 + 1.0 * len(labels)
    figure = Figure(figsize=(size + 0.7, size + 0.6), layout="constrained", facecolor="white")
    axes = figure.add_subplot()
    image = axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    for (row, column), share in np.ndenumerate(shares):
        color = "white" if share > 0.55 else _DARK
        weight = "bold" if row == column else "normal"
        axes.text(column, row - 0.08, f"{share:.0%}", color=color, ha="center", va="center",
                  fontsize=13, fontweight=weight)  # fmt: skip
        axes.text(column, row + 0.22, f"{counts[row, column]}", color=color, ha="center",
                  va="center", fontsize=9)  # fmt: skip
    ticks = range(len(labels))
    axes.set_xticks(ticks, labels)
    axes.set_yticks(ticks, labels, rotation=90, va="center")
    axes.set_xlabel("predicted", color=_GREY)
    axes.set_ylabel("acted", color=_GREY)
    axes.tick_params(length=0, labelsize=11, labelcolor=_DARK)
    axes.spines[:].set_visible(False)
    # White lines between the cells.
    axes.set_xticks(np.arange(len(labels) + 1) - 0.5, minor=True)
    axes.set_yticks(np.arange(len(labels) + 1) - 0.5, minor=True)
    axes.grid(which="minor", color="white", linewidth=2)
    axes.tick_params(which="minor", length=0)
    bar = figure.colorbar(image, ax=axes, shrink=0.75, pad=0.02, format="{x:.0%}")
    bar.set_label("share of the acted class", color=_GREY)
    bar.outline.set_visible(False)
    bar.ax.tick_params(length=0, labelcolor=_GREY, labelsize=9)
    _titles(axes, title, subtitle)
    figure.savefig(path, dpi=_DPI)


def plot_curves(
    path: Path, history: Sequence[Mapping[str, float]], *, chosen: int, title: str, subtitle: str
) -> None:
    """Losses and validation UA over the epochs, with the epoch that was chosen.

    Args:
        path: The PNG.
        history: One row per epoch: `epoch` (from 1), `loss`, `val_loss`, `val_ua`.
        chosen: The epoch whose weights were kept.
        title: What was trained.
        subtitle: On which data.
    """
    epochs = [row["epoch"] for row in history]
    figure = Figure(figsize=(8, 5.6), layout="constrained", facecolor="white")
    upper, lower = figure.subplots(2, sharex=True)
    upper.plot(epochs, [100 * row["val_ua"] for row in history], color=_BLUE, linewidth=2)
    best = next(row for row in history if row["epoch"] == chosen)
    upper.plot([chosen], [100 * best["val_ua"]], "o", color=_BLUE, markersize=8)
    upper.set_ylabel("validation UA in %", color=_GREY)
    upper.set_ylim(0, 103)
    lower.plot(epochs, [row["loss"] for row in history], color=_GREY, linewidth=2, label="training")
    lower.plot(
        epochs, [row["val_loss"] for row in history], color=_ORANGE, linewidth=2, label="validation"
    )
    lower.set_ylabel("loss", color=_GREY)
    lower.set_ylim(bottom=0)
    lower.set_xlabel("epoch", color=_GREY)
    lower.set_xlim(min(epochs) - 0.5, max(epochs) + 0.5)
    lower.xaxis.get_major_locator().set_params(integer=True)
    lower.legend(frameon=False, labelcolor=_DARK)
    for axes in (upper, lower):
        axes.axvline(chosen, color=_BLUE, linewidth=1, linestyle=":")
        axes.grid(axis="y", color=_GRID)
        axes.set_axisbelow(True)
        axes.spines[["top", "right"]].set_visible(False)
        axes.spines[["left", "bottom"]].set_color(_GRID)
        axes.tick_params(length=0, labelcolor=_GREY)
    right = chosen > (min(epochs) + max(epochs)) / 2
    upper.annotate(
        f"epoch {chosen}: {best['val_ua']:.1%}",
        (chosen, 5),
        xytext=(-6 if right else 6, 0),
        textcoords="offset points",
        ha="right" if right else "left",
        color=_BLUE,
    )
    _titles(upper, title, subtitle)
    figure.savefig(path, dpi=_DPI)


def _titles(axes, title: str, subtitle: str) -> None:
    axes.set_title(f"{title}\n", loc="left", color=_DARK, fontsize=13, fontweight="bold")
    axes.text(0, 1.02, subtitle, transform=axes.transAxes, color=_GREY, fontsize=9.5, va="bottom")
