"""The comparison as a picture: accuracy over time."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from recipes.baselines.hearing import CLEAN
from recipes.baselines.report import SHORT_NAMES, Row
from recipes.common.results.style import BLUE, DARK, GREY, ORANGE, quiet_frame, save

_MARKERS = ("v", "s", "D")
# Points squared of a megabyte; areas grow with the bytes, but not below what can be seen.
_AREA, _LEAST = 60.0, 45.0


def draw(rows: Sequence[Row], path: Path, *, classes: int, heard: str) -> None:
    """UA, as clips are and in every condition, over milliseconds for a second of audio.

    Args:
        rows: The package's file first.
        path: The PNG.
        classes: How many there are.
        heard: What the figures are of, in words.
    """
    corpora = list(rows[0].ua)
    figure = Figure(figsize=(5.4 * len(corpora) + 0.4, 5.2), layout="constrained")
    figure.set_facecolor("white")
    for axes, corpus in zip(
        np.atleast_1d(figure.subplots(1, len(corpora), sharex=True)), corpora, strict=True
    ):
        _draw_corpus(axes, rows, corpus, classes)
    axes = figure.axes[0]
    axes.set_ylabel("UA in %", color=GREY)
    axes.legend(loc="lower left", frameon=False, fontsize=8.5, labelcolor=DARK, title=None)
    figure.suptitle(
        "What a user would take instead", x=0.01, ha="left", color=DARK, fontsize=14,
        fontweight="bold",
    )  # fmt: skip
    figure.supxlabel(
        f"Milliseconds for a second of audio, one thread, one core (logarithmic).\n{heard}. "
        "Disc: the clips as they are; its area: bytes. Dotted: chance.",
        x=0.01,
        ha="left",
        color=GREY,
        fontsize=9,
    )
    save(figure, path)


def _draw_corpus(axes: Axes, rows: Sequence[Row], corpus: str, classes: int) -> None:
    quiet_frame(axes, grid="both")
    for number, row in enumerate(rows):
        color = BLUE if number == 0 else ORANGE
        _draw_row(axes, row, corpus, color)
    axes.set_xscale("log")
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.axhline(100 / classes, color=GREY, linewidth=1, linestyle=":")
    axes.minorticks_off()
    times = [row.cost.median for row in rows]
    # Names stand to the left.
    axes.set_xlim(min(times) / 9, max(times) * 2.2)
    # Discs may reach beyond 100.
    axes.set_ylim(15, 106)
    axes.set_yticks(range(20, 101, 10))
    axes.set_title(corpus, loc="left", color=DARK, fontsize=11, fontweight="bold")


def _draw_row(axes: Axes, row: Row, corpus: str, color: str) -> None:
    x, ua = row.cost.median, {name: 100 * value for name, value in row.ua[corpus].items()}
    axes.plot([x, x], [min(ua.values()), max(ua.values())], color=color, alpha=0.4, linewidth=1.4)
    hard = [name for name in ua if name != CLEAN]
    for name, marker in zip(hard, _MARKERS, strict=True):
        label = SHORT_NAMES[name] if color == BLUE else None
        axes.plot(
            x, ua[name], marker, color=color, markersize=6, markerfacecolor="white", label=label,
            linestyle="none",
        )  # fmt: skip
    area = max(_AREA * row.size / 1e6, _LEAST)
    axes.scatter(x, ua[CLEAN], s=area, color=color, alpha=0.75, linewidths=0, zorder=3)
    axes.annotate(
        f"{row.title}\n{ua[CLEAN]:.1f} %, {_bytes(row.size)}", (x, ua[CLEAN]),
        (-7 - (area / np.pi) ** 0.5, 0), textcoords="offset points", ha="right", va="center",
        color=color, fontsize=8.5,
    )  # fmt: skip


def _bytes(size: int) -> str:
    return f"{size / 1e6:.1f} MB" if size >= 1e6 else f"{size / 1e3:.0f} kB"
