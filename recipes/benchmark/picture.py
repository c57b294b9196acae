"""The picture of a benchmark: a panel for each task, a row for each model."""

from collections.abc import Sequence
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from recipes.benchmark.result import Result
from recipes.common.results.style import BLUE, DARK, GREY, quiet_frame, save, titles
from recipes.compare.report.text import picture_text

_COLUMNS = 3


def plot_benchmark(path: Path, results: Sequence[Result]) -> None:
    """Scores with their intervals; what is not run has no mark.

    Args:
        path: The PNG.
        results: At least one of them of a run that is done.
    """
    tasks = list(dict.fromkeys((each.corpus, each.task) for each in results))
    models = list(dict.fromkeys(each.model for each in results))
    columns = min(_COLUMNS, len(tasks))
    lines = -(-len(tasks) // columns)
    # Inches.
    size = (3.6 + 2.6 * columns, 0.9 + lines * (0.9 + 0.32 * len(models)))
    figure = Figure(figsize=size, layout="constrained", facecolor="white")
    panels = figure.subplots(lines, columns, squeeze=False, sharey=True).reshape(-1)
    for axes in panels[len(tasks) :]:
        axes.set_visible(False)
    for axes, (corpus, task) in zip(panels, tasks, strict=False):
        of_task = [each for each in results if (each.corpus, each.task) == (corpus, task)]
        for each in of_task:
            if each.score is not None:
                _draw(axes, models.index(each.model), each)
        axes.set_ylim(len(models) - 0.4, -0.6)
        axes.set_yticks(range(len(models)), [picture_text(name) for name in models])
        quiet_frame(axes, grid="x")
        axes.tick_params(axis="y", labelcolor=DARK)
        axes.spines["left"].set_visible(False)
        named = f"{of_task[0].figure.upper()} in %"
        titles(axes, picture_text(f"{corpus}: {task}"), f"{named}; bar: 95% over speakers")
    save(figure, path)


def _draw(axes: Axes, place: int, each: Result) -> None:
    if each.low is not None:
        ends = [100 * each.low, 100 * each.high]
        axes.plot(ends, [place, place], color=GREY, linewidth=2.2, solid_capstyle="butt")
    axes.plot([100 * each.score], [place], "o", color=BLUE, markersize=6)
