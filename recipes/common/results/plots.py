"""Pictures of a run: confusion matrix and learning curves."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from recipes.common.protocol import figure as figures
from recipes.common.results.metrics import Metrics
from recipes.common.results.style import BLUE, DARK, GREY, ORANGE, quiet_frame, save, titles

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
        color = "white" if share > 0.55 else DARK
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
    axes.set_xlabel("predicted", color=GREY)
    axes.set_ylabel("true", color=GREY)
    axes.tick_params(length=0, labelsize=11, labelcolor=DARK)
    axes.spines[:].set_visible(False)
    # White lines between the cells.
    axes.set_xticks(np.arange(len(labels) + 1) - 0.5, minor=True)
    axes.set_yticks(np.arange(len(labels) + 1) - 0.5, minor=True)
    axes.grid(which="minor", color="white", linewidth=2)
    axes.tick_params(which="minor", length=0)
    # Beside the matrix, however much of the figure that is.
    beside = axes.inset_axes((1.0 + 0.25 / size, 0.1, 0.25 / size, 0.8))
    bar = figure.colorbar(image, cax=beside, format="{x:.0%}")
    bar.set_label("share of the true class", color=GREY)
    bar.outline.set_visible(False)
    bar.ax.tick_params(length=0, labelcolor=GREY, labelsize=9)
    titles(axes, title, subtitle)
    save(figure, path)


def plot_curves(
    path: Path,
    history: Sequence[Mapping[str, float]],
    *,
    chosen: int,
    title: str,
    subtitle: str,
    select_on: str = "ua",
    figure: figures.Figure = Metrics.figures["ua"],
) -> None:
    """Losses and what the validation clips choose by, over the epochs, and the one chosen.

    Where nobody validates, the loss alone.

    Args:
        path: The PNG.
        history: One row per epoch: `epoch` (from 1), `loss`, and if anybody validates `val_loss`,
            and `val_ua` or the like.
        chosen: The epoch whose weights were kept.
        title: What was trained.
        subtitle: On which data.
        select_on: What the epochs were compared by, one of a task's `figures`.
        figure: How it is shown.

    Raises:
        ValueError: If the chosen epoch is none of the history's.
    """
    epochs = [row["epoch"] for row in history]
    if chosen not in epochs:
        raise ValueError(f"`chosen` must be an epoch of the history. Received: chosen={chosen}")
    validated = "val_loss" in history[0]
    picture = Figure(figsize=(8, 5.6), layout="constrained", facecolor="white")
    axes = np.atleast_1d(picture.subplots(1 + validated, sharex=True))
    upper, lower = axes[0], axes[-1]
    # A single epoch has no line, but a point.
    style = {"linewidth": 2, "marker": "." if len(epochs) == 1 else None}
    if validated:
        _plot_scores(upper, history, epochs.index(chosen), select_on, figure, style)
    for name, column, color in (("training", "loss", GREY), ("validation", "val_loss", ORANGE)):
        if column not in history[0]:
            continue
        lower.plot(epochs, [row[column] for row in history], color=color, label=name, **style)
    lower.set_ylabel("loss", color=GREY)
    lower.set_ylim(0, 1.05 * lower.get_ylim()[1])
    lower.set_xlabel("epoch", color=GREY)
    lower.set_xlim(min(epochs) - 0.5, max(epochs) + 0.5)
    lower.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1, steps=(1, 2, 5, 10)))
    lower.legend(frameon=False, labelcolor=DARK)
    for each in axes:
        each.axvline(chosen, color=BLUE, linewidth=1, linestyle=":")
        quiet_frame(each)
    titles(upper, title, subtitle)
    save(picture, path)


def _plot_scores(
    axes, history, chosen, select_on: str, figure: figures.Figure, style: dict
) -> None:
    epochs = [row["epoch"] for row in history]
    scores = [figure.factor * row[f"val_{select_on}"] for row in history]
    chosen, best = epochs[chosen], scores[chosen]
    axes.plot(epochs, scores, color=BLUE, **style)
    axes.plot([chosen], [best], "o", color=BLUE, markersize=8)
    unit = f" in {figure.unit}" if figure.unit else ""
    axes.set_ylabel(f"validation {figure.name}{unit}", color=GREY)
    top = figure.factor
    axes.set_ylim(min(0, *scores), 1.03 * top)
    right = chosen > (min(epochs) + max(epochs)) / 2
    axes.annotate(
        f"epoch {chosen}: {figure.cell(best / top).strip()} {figure.unit}".strip(),
        # Where the curve is not.
        (chosen, (0.05 if best > top / 2 else 0.93) * top),
        xytext=(-6 if right else 6, 0),
        textcoords="offset points",
        ha="right" if right else "left",
        color=BLUE,
    )
