"""A picture of labels: how well each is found."""

from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from recipes.common.results.style import BLUE, DARK, GREY, ORANGE, quiet_frame, save, titles
from recipes.common.tasks.multilabel_metrics import MultilabelMetrics


def plot_labels(path: Path, metrics: MultilabelMetrics, *, title: str, subtitle: str) -> None:
    """Average precision of every label, and what chance has: its share of the clips.

    Args:
        path: The PNG.
        metrics: Of the labels.
        title: What was scored.
        subtitle: On which data.
    """
    names = list(metrics.present)
    figure = Figure(figsize=(8, 1.8 + 0.4 * len(names)), layout="constrained", facecolor="white")
    axes = figure.add_subplot()
    places = np.arange(len(names))
    found = [100 * (metrics.average_precision[name] or 0) for name in names]
    chance = [100 * metrics.present[name] / metrics.clips for name in names]
    axes.barh(places, found, color=BLUE, height=0.6, label="average precision")
    axes.plot(chance, places, "|", color=ORANGE, markersize=14, markeredgewidth=2, label="chance")
    axes.set_yticks(places, names, color=DARK)
    axes.invert_yaxis()
    axes.set_xlim(0, 100)
    axes.set_xlabel("%", color=GREY)
    axes.legend(frameon=False, labelcolor=DARK)
    quiet_frame(axes, grid="x")
    titles(axes, title, subtitle)
    save(figure, path)
