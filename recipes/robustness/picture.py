"""The report as a picture."""

from collections.abc import Sequence
from pathlib import Path

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from recipes.common.names import CLEAN
from recipes.common.results.style import BLUE, DARK, GREY, GRID, ORANGE, quiet_frame, save
from recipes.robustness.marks import MARKS, Family
from recipes.robustness.outcome import NO_CLASS, Outcome
from recipes.robustness.report import Report

_HEADINGS: dict[Family, str] = {
    "small": "Small changes",
    "background": "Background",
    "telephone": "Telephone",
    "tilt": "Spectral tilt",
    "rooms": "Rooms",
    "level": "Level",
    "offset": "Offset and silence",
    "around": "Noise around, hum, pink noise",
    "further": "Further, without marks",
}
_COLORS = {True: BLUE, False: ORANGE, None: GREY}
# Quiet neighbors that are told apart without red and green.
_CLASSES = ("#c8553d", "#f0b84d", "#a9b4c2", "#3f6f9f", "#5c8d6f", "#8e6c9e", "#d39ab0", "#7a5c46")
# Inches.
_ROW, _MARGIN, _WIDTH = 0.235, 1.9, 11.0


def draw(report: Report, path: Path) -> None:
    """UA, share unchanged and answers of every condition, beside the marks.

    Args:
        report: What was found.
        path: The PNG.
    """
    rows = _rows(report)
    lines = 1 - min(rows.values(), default=0)
    figure = Figure(
        figsize=(_WIDTH, _ROW * lines + _MARGIN), layout="constrained", facecolor="white"
    )
    figure.get_layout_engine().set(wspace=0.05)
    left, middle, right = figure.subplots(1, 3, sharey=True, width_ratios=(5, 4, 5))
    for axes in (left, middle, right):
        quiet_frame(axes, grid="x")
        axes.spines[["left", "bottom"]].set_visible(False)
    _draw_ua(left, report, rows)
    _draw_unchanged(middle, report, rows)
    _draw_answers(right, report, rows)
    _name_rows(left, report, rows)
    left.set_ylim(-lines + 0.3, 0.7)
    tests = report.tests
    figure.suptitle(
        f"{Path(report.model).name}: {sum(tests.values())} of {len(tests)} tests passed",
        x=0.01,
        ha="left",
        color=DARK,
        fontsize=14,
        fontweight="bold",
    )
    people = f"{report.speakers:,} speaker{'s' if report.speakers > 1 else ''}"
    clean = [
        f"{test} {'passed' if passed else 'missed'}"
        for test, passed in tests.items()
        if test not in report.families
    ]
    figure.supxlabel(
        f"{report.clips:,} clips of {people}, seed {report.seed}. "
        "Blue: all marks of the test reached; orange: missed; grey: no marks. "
        "Upright strokes: marks. Unchanged: the class of the clip as it is."
        + (f"\nThe clips as they are: {', '.join(clean)}." if clean else ""),
        x=0.01,
        ha="left",
        color=GREY,
        fontsize=9,
    )
    save(figure, path)


def _rows(report: Report) -> dict[str, float]:
    """The height of each condition; a line is left for the heading of each family."""
    rows: dict[str, float] = {CLEAN: 0}
    family, height = None, 0.0
    for outcome in report.outcomes:
        found = report.families[outcome.name]
        height -= 1 if found == family else 2
        rows[outcome.name], family = height, found
    return rows


def _name_rows(axes: Axes, report: Report, rows: dict[str, float]) -> None:
    axes.set_yticks(list(rows.values()), list(rows))
    for label in axes.get_yticklabels():
        missed = report.passed(label.get_text()) is False
        label.set(color=ORANGE if missed else DARK, fontsize=9)
    named = set()
    for outcome in report.outcomes:
        family = report.families[outcome.name]
        if family not in named:
            named.add(family)
            axes.annotate(
                _HEADINGS[family], (0, rows[outcome.name] + 0.95), (-6, 0),
                xycoords=("axes fraction", "data"), textcoords="offset points",
                ha="right", va="center", color=GREY, fontsize=8.5, fontweight="bold",
            )  # fmt: skip


def _draw_ua(axes: Axes, report: Report, rows: dict[str, float]) -> None:
    clean = 100 * report.clean.ua
    axes.axvline(clean, color=GREY, linewidth=1, linestyle=":", zorder=1)
    axes.plot(clean, 0, "o", color=DARK, markersize=6)
    _write(axes, clean, 0, f"{clean:.1f}", DARK)
    for outcome in report.outcomes:
        color, height = _color(report, outcome), rows[outcome.name]
        value = 100 * outcome.ua
        axes.plot([clean, value], [height, height], color=color, linewidth=1.6, alpha=0.55)
        axes.plot(value, height, "o", color=color, markersize=5.5)
        # Where the line to the clips as they are isn't.
        _write(axes, value, height, f"{value:.1f}", color, left=value < clean)
        _draw_mark(axes, report, outcome, "ua_fall", height, lambda limit: clean - 100 * limit)
    chance = 100 / len(report.labels)
    axes.axvline(chance, color=GRID, linewidth=1.2, zorder=0)
    axes.annotate(
        "chance", (chance, 1), (0, 2), xycoords=("data", "axes fraction"),
        textcoords="offset points", ha="center", va="bottom", color=GREY, fontsize=8,
    )  # fmt: skip
    lowest = min([chance, *(100 * outcome.ua for outcome in report.outcomes)])
    highest = max([clean, *(100 * outcome.ua for outcome in report.outcomes)])
    # Room for the figures beside the points.
    axes.set_xlim(lowest - 12, highest + 10)
    axes.set_xticks([tick for tick in range(0, 101, 20) if lowest - 12 < tick < highest + 10])
    _title(axes, "UA in %")


def _draw_unchanged(axes: Axes, report: Report, rows: dict[str, float]) -> None:
    for outcome in report.outcomes:
        color, height, value = _color(report, outcome), rows[outcome.name], 100 * outcome.unchanged
        axes.barh(height, value, height=0.55, color=color, alpha=0.8)
        # At the begin of the bar, where no mark is; beside it if it is short.
        inside = value > 12
        place, shade = (0, "white") if inside else (value, color)
        _write(axes, place, height, f"{value:.1f}", shade)
        _draw_mark(axes, report, outcome, "unchanged", height, lambda limit: 100 * limit)
    axes.set_xlim(0, 100)
    axes.set_xticks(range(0, 101, 25))
    _title(axes, "unchanged in %")


def _draw_answers(axes: Axes, report: Report, rows: dict[str, float]) -> None:
    outcomes = [report.clean, *report.outcomes]
    colors = _class_colors(report.labels)
    heights = [rows[outcome.name] for outcome in outcomes]
    begins = [0.0] * len(outcomes)
    silent = any(outcome.answers[NO_CLASS] for outcome in outcomes)
    for label in (*report.labels, *([NO_CLASS] if silent else [])):
        shares = [100 * outcome.answers[label] for outcome in outcomes]
        axes.barh(
            heights, shares, left=begins, height=0.7, color=colors[label], label=label,
            edgecolor="white", linewidth=0.6,
        )  # fmt: skip
        begins = [begin + share for begin, share in zip(begins, shares, strict=True)]
    axes.set_xlim(0, 100)
    axes.set_xticks(range(0, 101, 25))
    columns = min(5, len(report.labels) + silent)
    axes.legend(
        loc="lower left", bbox_to_anchor=(-0.02, 1), ncols=columns, frameon=False, fontsize=8.5,
        labelcolor=DARK, handlelength=0.9, handletextpad=0.4, columnspacing=1.0, borderpad=0.1,
        title="answers in %", alignment="left",
        title_fontproperties={"size": 10, "weight": "bold"},
    )  # fmt: skip
    axes.get_legend().get_title().set_color(DARK)


def _class_colors(labels: Sequence[str]) -> dict[str, str]:
    """One for each class, however many there are."""
    colors = [*_CLASSES, *(matplotlib.color_sequences["tab20"])]
    return {
        **{label: colors[number % len(colors)] for number, label in enumerate(labels)},
        NO_CLASS: GRID,
    }


def _color(report: Report, outcome: Outcome) -> str:
    return _COLORS[report.passed(outcome.name)]


def _draw_mark(axes: Axes, report: Report, outcome: Outcome, figure: str, height: float, place):
    for mark in MARKS[report.families[outcome.name]]:
        if mark.figure == figure:
            x = place(mark.limit)
            axes.plot([x, x], [height - 0.38, height + 0.38], color=DARK, linewidth=1.4, zorder=4)


def _write(axes: Axes, x: float, y: float, text: str, color: str, *, left: bool = False) -> None:
    axes.annotate(
        text, (x, y), (-5.5 if left else 5.5, -0.5), textcoords="offset points",
        ha="right" if left else "left", va="center", color=color, fontsize=8,
    )  # fmt: skip


def _title(axes: Axes, text: str) -> None:
    axes.set_title(text, loc="left", color=DARK, fontsize=10, fontweight="bold", pad=19)
