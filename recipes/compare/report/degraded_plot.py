"""A picture of what conditions do on degraded validation clips."""

from pathlib import Path

import numpy as np
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure

from recipes.common.results.style import BLUE, DARK, GREY, save, titles
from recipes.compare.report.degraded import heard_in, scored_conditions
from recipes.compare.report.scores import Group
from recipes.compare.report.text import picture_text

_COLORS = LinearSegmentedColormap.from_list("whiteblue", ("white", BLUE))
# Of the range of colors; beyond it letters are white.
_DARK_FROM = 0.6
# Inches.
_ROW, _COLUMN, _NAMES, _TITLES = 0.38, 0.75, 4.0, 1.5


def plot_degraded(path: Path, group: Group) -> None:
    """The mean UA of every condition (rows) as clips are and degraded (columns), as colored cells.

    Args:
        path: The PNG.
        group: With a condition that was scored.
    """
    conditions, names = scored_conditions(group), heard_in([group])
    values = np.array([[100 * each.degraded(name).mean for name in names] for each in conditions])
    figure = Figure(
        figsize=(_NAMES + _COLUMN * len(names), _TITLES + _ROW * len(conditions)),
        layout="constrained",
        facecolor="white",
    )
    axes = figure.add_subplot()
    # Chance is white, whatever the best is.
    low, high = 100 / len(group.labels), max(values.max(), 100 / len(group.labels) + 1)
    axes.imshow(values, cmap=_COLORS, vmin=low, vmax=high, aspect="auto")
    for (row, column), value in np.ndenumerate(values):
        dark = (value - low) / (high - low) > _DARK_FROM
        # The best of its column.
        weight = "bold" if value == values[:, column].max() else "normal"
        axes.text(
            column, row, f"{value:.1f}", ha="center", va="center", fontsize=9, fontweight=weight,
            color="white" if dark else DARK,
        )  # fmt: skip
    axes.set_xticks(range(len(names)), names, rotation=35, ha="right")
    axes.set_yticks(range(len(conditions)), [picture_text(each.name) for each in conditions])
    axes.tick_params(length=0, labelcolor=DARK, labelsize=9)
    axes.spines[:].set_visible(False)
    # Clean and the mean stand apart from what the mean is of.
    axes.axvline(1.5, color="white", linewidth=4)
    axes.set_xlabel("white: chance; bold: the best of its column", color=GREY)
    titles(
        axes,
        picture_text(f"{group.title}, {group.backbone}: degraded validation clips"),
        "UA in %, mean over folds and seeds",
    )
    save(figure, path)
