"""A picture of numbers: what is said over what is true."""

from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from recipes.common.results.style import BLUE, GREY, quiet_frame, save, titles


def plot_values(
    path: Path,
    truth: np.ndarray,
    predicted: np.ndarray,
    *,
    name: str,
    unit: str,
    title: str,
    subtitle: str,
) -> None:
    """A point for each decision, and the line on which all would be right.

    Args:
        path: The PNG.
        truth: `(decisions,)`.
        predicted: `(decisions,)`.
        name: Of the value.
        unit: What it is in.
        title: What was scored.
        subtitle: On which data.
    """
    figure = Figure(figsize=(6, 6.4), layout="constrained", facecolor="white")
    axes = figure.add_subplot()
    ends = [min(truth.min(), predicted.min()), max(truth.max(), predicted.max())]
    axes.plot(ends, ends, color=GREY, linewidth=1, linestyle=":")
    axes.scatter(truth, predicted, s=14, alpha=0.5, color=BLUE, edgecolors="none")
    behind = f" in {unit}" if unit else ""
    axes.set_xlabel(f"true {name}{behind}", color=GREY)
    axes.set_ylabel(f"said {name}{behind}", color=GREY)
    quiet_frame(axes, grid="both")
    titles(axes, title, subtitle)
    save(figure, path)
