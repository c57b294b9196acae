"""Pictures of a report: differences, accuracy against size, learning curves."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullLocator

from recipes.common.results.intervals import CONFIDENCE
from recipes.common.results.style import BLUE, DARK, GREY, quiet_frame, save, titles
from recipes.compare.report.comparison import Comparison, counted, equals, points, rate, span
from recipes.compare.report.scores import ConditionScores, Group
from recipes.compare.report.text import picture_text
from recipes.compare.tables.decision_count import KERAS
from recipes.compare.tables.epoch import Epoch

# Told apart also by those who see few colours (Okabe and Ito); then again, with other marks.
_COLORS = ("#1f2a44", "#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#8c6d31")
_MARKS = ("o", "s", "^", "D")
_LINES = ("-", "--", ":", "-.")


def plot_differences(path: Path, comparisons: Sequence[Comparison]) -> None:
    """The comparisons of one corpus: folds pooled with the interval, and every single pair.

    Args:
        path: The PNG.
        comparisons: At least one, all with pairs.
    """
    figure_name = comparisons[0].group.figure_name
    rows: list[str | Comparison] = []
    backbone = None
    for each in comparisons:
        if each.group.backbone != backbone:
            backbone = each.group.backbone
            rows.append(backbone)
        rows.append(each)
    # Inches.
    figure = Figure(figsize=(10, 1.7 + 0.5 * len(rows)), layout="constrained", facecolor="white")
    axes = figure.add_subplot()
    for place, row in enumerate(rows):
        if isinstance(row, Comparison):
            _draw_difference(axes, place, row)
    axes.axvline(0, color=DARK, linewidth=1)
    axes.set_yticks(
        range(len(rows)),
        [picture_text(row.name if isinstance(row, Comparison) else row) for row in rows],
    )
    for label, row in zip(axes.get_yticklabels(), rows, strict=True):
        if not isinstance(row, Comparison):
            label.set_fontweight("bold")
    axes.set_ylim(len(rows) - 0.4, -0.6)
    quiet_frame(axes, grid="x")
    axes.tick_params(axis="y", labelcolor=DARK)
    axes.spines["left"].set_visible(False)
    # Zero is in sight, and there is room for it where nothing differs.
    low, high = axes.get_xlim()
    margin = max(0.04 * (high - low), 0.5)
    axes.set_xlim(min(low, -margin), max(high, margin))
    axes.set_xlabel(
        f"difference of test {figure_name} in points; "
        "blue: difference shown, grey: no difference shown",
        color=GREY,
    )
    titles(
        axes,
        picture_text(f"{comparisons[0].group.title}: differences"),
        f"dots: single folds and seeds; mark and bar: folds pooled, {CONFIDENCE:.0%} interval over "
        "speakers",
    )
    save(figure, path)


def _draw_difference(axes: Axes, place: int, each: Comparison) -> None:
    color = BLUE if each.is_shown else GREY
    singles = [100 * value for value in each.differences.values()]
    axes.plot(
        singles, np.full(len(singles), place + 0.2), "o", color=color, alpha=0.35, markersize=4,
        markeredgewidth=0,
    )  # fmt: skip
    if each.interval:
        ends = [100 * end for end in each.interval]
        axes.plot(ends, [place - 0.08] * 2, color=color, linewidth=2.2, solid_capstyle="butt")
    axes.plot([100 * each.pooled], [place - 0.08], "D", color=color, markersize=6)
    interval = f"({span(each.interval)})" if each.interval else "(no interval)"
    for text, height, style in (
        (f"{points(each.pooled)}  {interval}", 5, {"color": DARK, "fontsize": 9.5}),
        (
            f"{counted(len(each.differences), 'pair')}, corrected p {equals(each.corrected_p)}",
            -7,
            {"color": GREY, "fontsize": 8.5},
        ),
    ):
        axes.annotate(
            text, (1.02, place), (0, height), xycoords=("axes fraction", "data"),
            textcoords="offset points", va="center", annotation_clip=False, **style,
        )  # fmt: skip


def plot_sizes(path: Path, groups: Sequence[Group]) -> None:
    """Test score against the size of the int8 file, a panel per backbone of one corpus.

    Args:
        path: The PNG.
        groups: Of one corpus, each with a condition that has runs.
    """
    shown = [[condition for condition in group.conditions if condition.runs] for group in groups]
    entries = sum(map(len, shown))
    figure = Figure(
        figsize=(10, 0.6 + 3.6 * len(groups) + 0.05 * entries),
        layout="constrained",
        facecolor="white",
    )
    panels = figure.subplots(len(groups), sharex=True, squeeze=False)[:, 0]
    sizes = [condition.of("int8_bytes").mean for conditions in shown for condition in conditions]
    low, high = min(sizes) / 2, max(sizes) * 2
    for axes, group, conditions in zip(panels, groups, shown, strict=True):
        _draw_sizes(axes, group, conditions, np.log10(high / low))
        axes.set_ylabel(f"test {group.figure_name} in %", color=GREY)
        quiet_frame(axes, grid="both")
    bottom = panels[-1]
    bottom.set_xscale("log")
    bottom.set_xlim(low, high)
    bottom.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    bottom.xaxis.set_minor_locator(NullLocator())
    bottom.xaxis.set_major_formatter(FuncFormatter(lambda size, _: f"{size / 1000:,g}"))
    bottom.set_xlabel("int8 file in kB; conditions of one size stand side by side", color=GREY)
    titles(
        panels[0],
        picture_text(f"{groups[0].title}: accuracy and size"),
        "dots: single folds and seeds; mark and bar: mean and standard deviation",
    )
    save(figure, path)


def _draw_sizes(
    axes: Axes, group: Group, conditions: Sequence[ConditionScores], decades: float
) -> None:
    axes.set_xscale("log")
    step = 0.016 * decades
    places = _side_by_side([condition.of("int8_bytes").mean for condition in conditions], step)
    for condition, x in zip(conditions, places, strict=True):
        number = group.conditions.index(condition)
        color, mark = _COLORS[number % len(_COLORS)], _MARKS[number // len(_COLORS) % len(_MARKS)]
        values = [100 * run.scores[KERAS][group.figure] for run in condition.runs.values()]
        score = condition.test(group.figure)
        # Beside the bar, so that it doesn't hide them.
        beside = x * 10 ** (0.4 * step)
        axes.plot([beside] * len(values), values, "o", color=color, alpha=0.4, markersize=3,
                  markeredgewidth=0)  # fmt: skip
        axes.errorbar(
            [x],
            [100 * score.mean],
            yerr=None if score.deviation is None else [100 * score.deviation],
            fmt=mark, color=color, markersize=5.5, linewidth=1.5, capsize=2.5,
            label=picture_text(
                f"{condition.name}: {_short(condition.of('parameters_merged').mean)} parameters, "
                f"{_short(condition.of('macs').mean)} MACs"
            ),
        )  # fmt: skip
    axes.yaxis.set_major_locator(MaxNLocator(6, min_n_ticks=3))
    axes.margins(y=0.12)
    # Beside the panel, where no point is.
    axes.legend(
        title=picture_text(group.backbone), title_fontproperties={"weight": "bold", "size": 9.5},
        alignment="left", loc="upper left", bbox_to_anchor=(1.01, 1.03), frameon=False,
        labelcolor=DARK, fontsize=8.5,
    )  # fmt: skip


def _side_by_side(sizes: Sequence[float], step: float) -> list[float]:
    """Sizes moved so that those closer than a few steps do not cover each other.

    Args:
        sizes: Bytes.
        step: Distance between neighbours, in decades.
    """
    places = np.log10(sizes)
    order = np.argsort(places, kind="stable")
    moved = places.copy()
    clusters: list[list[int]] = []
    for index in order:
        if clusters and places[index] - places[clusters[-1][-1]] < step:
            clusters[-1].append(int(index))
        else:
            clusters.append([int(index)])
    for cluster in clusters:
        centre = places[cluster].mean()
        for rank, index in enumerate(sorted(cluster)):
            moved[index] = centre + (rank - (len(cluster) - 1) / 2) * step
    return (10**moved).tolist()


def plot_learning_curves(path: Path, group: Group, curves: Mapping[str, Sequence[Epoch]]) -> None:
    """Validation UA and losses over the epochs: mean and quartiles of every condition's runs.

    Conditions are drawn as far as all of their runs went.

    Args:
        path: The PNG.
        group: With a condition that has runs.
        curves: Epochs in their order, by run.
    """
    figure = Figure(figsize=(10, 8.4), layout="constrained", facecolor="white")
    panels = figure.subplots(3, sharex=True)
    handles, last = [], 1
    headline = next(iter(group.task.figures))
    score = f"val_{headline}"
    for number, condition in enumerate(group.conditions):
        if not condition.runs:
            continue
        of_runs = [curves[run.result.run] for run in condition.runs.values()]
        length = min(map(len, of_runs))
        epochs = [each.epoch for each in of_runs[0][:length]]
        last = max(last, epochs[-1])
        style = {
            "color": _COLORS[number % len(_COLORS)],
            "linestyle": _LINES[number // len(_COLORS) % len(_LINES)],
            "linewidth": 1.8,
            # A single epoch has no line, but a point.
            "marker": "." if length == 1 else None,
        }
        for axes, column in zip(panels, (score, "val_loss", "loss"), strict=True):
            values = np.array([[getattr(e, column) for e in run[:length]] for run in of_runs])
            values *= 100 if column == score else 1
            axes.plot(epochs, values.mean(axis=0), **style)
            axes.fill_between(
                epochs, *np.quantile(values, (0.25, 0.75), axis=0), color=style["color"],
                alpha=0.12, linewidth=0,
            )  # fmt: skip
        label = picture_text(
            f"{condition.name}, {rate(condition.rate)} ({counted(len(of_runs), 'run')})"
        )
        handles.append(Line2D([], [], label=label, **style))
    for axes, name in zip(
        panels,
        (
            f"validation {group.task.figures[headline].name} in %",
            "validation loss",
            "training loss",
        ),
        strict=True,
    ):
        axes.set_ylabel(name, color=GREY)
        quiet_frame(axes)
    panels[-1].set_xlabel("epoch", color=GREY)
    panels[-1].set_xlim(0.5, last + 0.5)
    panels[-1].xaxis.set_major_locator(
        MaxNLocator(integer=True, min_n_ticks=1, steps=(1, 2, 5, 10))
    )
    figure.legend(handles=handles, loc="outside lower left", ncols=2, frameon=False,
                  labelcolor=DARK, fontsize=9)  # fmt: skip
    titles(
        panels[0],
        picture_text(f"{group.title}, {group.backbone}: learning curves"),
        "line: mean over folds and seeds; band: the middle half of them",
    )
    save(figure, path)


def plot_rates(path: Path, group: Group) -> None:
    """Validation score over the learning rate: mean and quartiles of every condition's runs.

    Args:
        path: The PNG.
        group: With a condition whose rate was chosen of several.
    """
    figure = Figure(figsize=(10, 5.2), layout="constrained", facecolor="white")
    axes = figure.add_subplot()
    rates: set[float] = set()
    for number, condition in enumerate(group.conditions):
        if not condition.validation:
            continue
        rates.update(condition.validation)
        values = 100 * np.array(
            [
                [getattr(at[pair].result, f"val_{group.figure}") for pair in condition.common]
                for at in condition.by_rate.values()
            ]
        )
        color, style = (
            _COLORS[number % len(_COLORS)],
            _LINES[number // len(_COLORS) % len(_LINES)],
        )
        tried = list(condition.validation)
        label = f"{condition.name} ({counted(len(condition.common), 'run')} a rate)"
        axes.plot(tried, values.mean(axis=1), color=color, linestyle=style, linewidth=1.8,
                  marker=".", label=picture_text(label))  # fmt: skip
        axes.fill_between(tried, *np.quantile(values, (0.25, 0.75), axis=1), color=color,
                          alpha=0.12, linewidth=0)  # fmt: skip
        best = [condition.rate], [100 * condition.validation[condition.rate]]
        axes.plot(*best, "o", color=color, markersize=8, markerfacecolor="none")
    axes.set_xscale("log")
    axes.set_xticks(sorted(rates), [rate(each) for each in sorted(rates)])
    axes.xaxis.set_minor_locator(NullLocator())
    axes.set_xlabel("learning rate, as a multiple of the recipe's own", color=GREY)
    axes.set_ylabel(f"validation {group.figure_name} in %", color=GREY)
    quiet_frame(axes)
    figure.legend(loc="outside lower left", ncols=2, frameon=False, labelcolor=DARK, fontsize=9)
    titles(
        axes,
        picture_text(f"{group.title}, {group.backbone}: learning rates"),
        "line: mean over folds and seeds; band: the middle half of them; ring: the best",
    )
    save(figure, path)


def _short(count: float) -> str:
    """A number of many digits, with two or three of them."""
    for limit, name in ((1e9, " G"), (1e6, " M"), (1e3, " k")):
        if count >= limit:
            return f"{count / limit:.3g}{name}"
    return f"{count:.0f}"
