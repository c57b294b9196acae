"""How all pictures look."""

from pathlib import Path
from typing import Literal

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from keras_reparam._utils.files import written_beside

DARK, GREY, GRID = "#1f2a44", "#6b7280", "#e5e7eb"
BLUE, ORANGE = "#2563eb", "#ea7317"
_DPI = 160


def quiet_frame(axes: Axes, *, grid: Literal["x", "y", "both"] = "y") -> None:
    """Grey axes without ticks, and a grid behind what is drawn."""
    axes.grid(axis=grid, color=GRID)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color(GRID)
    axes.tick_params(length=0, labelcolor=GREY)


def titles(axes: Axes, title: str, subtitle: str) -> None:
    """A title and, below it, what it is of."""
    axes.set_title(title, loc="left", color=DARK, fontsize=13, fontweight="bold", pad=24)
    axes.annotate(
        subtitle, (0, 1), (0, 8), xycoords="axes fraction", textcoords="offset points",
        color=GREY, fontsize=9.5, va="bottom",
    )  # fmt: skip


def save(figure: Figure, path: Path) -> None:
    """Whole or not at all."""
    with written_beside(path) as beside:
        figure.savefig(beside, dpi=_DPI)
