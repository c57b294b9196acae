"""Results on the screen, each beside its majority baseline."""

from collections.abc import Iterable, Mapping
from typing import Any

from rich import box
from rich.table import Table
from rich.text import Text

from recipes.common.protocol.figure import Figure
from recipes.common.results.intervals import CONFIDENCE
from recipes.common.results.pooling import FoldedResults


def results_table(results: Mapping[str, Any], *, title: str) -> Table:
    """One row for each, as in `{"dev": ..., "test": ...}`, and below it its baseline's."""
    table = _table(title, results.values())
    for name, found in results.items():
        _add(table, name, found)
    return table


def folds_table(results: FoldedResults, *, title: str) -> Table:
    """A row for each fold; then mean and pooled, each with its baseline below it.

    Of a single fold there is no more to say than `results_table` does.
    """
    deviation = results.deviation
    if deviation is None:
        return results_table(_named(results), title=title)
    table = _table(title, [*results.folds.values(), results.pooled])
    for name, found in _named(results).items():
        table.add_row(Text(name), f"{found.clips:,}", *_cells(found))
    table.add_section()
    figures = results.pooled.figures
    means = [
        f"{figure.cell(results.mean[name])} ± {figure.cell(deviation[name]).strip()}"
        for name, figure in figures.items()
    ]
    table.add_row("mean ± SD", "", *means)
    table.add_row(*_baseline(results.majority_mean, figures), style="dim")
    table.add_section()
    _add(table, "pooled", results.pooled)
    return table


def class_table(results: Any, *, title: str) -> Table:
    """Of every class recall, precision and F1, or what else a task tells of its parts."""
    columns, rows = results.parts
    table = Table(title=Text(title), title_justify="left", box=box.SIMPLE_HEAD)
    table.add_column(columns[0], overflow="fold")
    for name in columns[1:]:
        table.add_column(name, justify="right", no_wrap=True)
    for name, *cells in rows:
        table.add_row(Text(name), *cells)
    return table


def _named(results: FoldedResults) -> dict[str, Any]:
    return {f"fold {name}": found for name, found in results.folds.items()}


def _table(title: str, results: Iterable[Any]) -> Table:
    results = list(results)
    caption = [f"{results[0].in_words}; n: number of decisions."]
    if any(found.intervals for found in results):
        caption.append(f"In brackets: {CONFIDENCE:.0%} interval over speakers.")
    labels = dict.fromkeys(label for found in results for label in found.majority_labels)
    said = results[0].baseline_in_words.format(", ".join(labels))
    caption.append(f"Majority: {said}.")
    notes = dict.fromkeys(note for found in results for note in found.notes)
    table = Table(
        title=Text(title),
        title_justify="left",
        caption=Text("\n".join([" ".join(caption), *notes])),
        caption_justify="left",
        # Compact enough for 80 columns.
        box=box.SIMPLE_HEAD,
        padding=(0, 1, 0, 0),
        show_edge=False,
    )
    table.add_column("", overflow="fold")
    table.add_column("n", justify="right", no_wrap=True)
    for figure in results[0].figures.values():
        table.add_column(figure.name, no_wrap=True)
    return table


def _add(table: Table, name: str, results: Any) -> None:
    table.add_row(Text(name), f"{results.clips:,}", *_cells(results), style="bold")
    table.add_row(*_baseline(results.majority, results.figures), style="dim")


def _baseline(majority: Mapping[str, float], figures: Mapping[str, Figure]) -> list[str]:
    cells = (figure.cell(majority[name]) for name, figure in figures.items())
    return ["majority", "", *cells]


def _cells(results: Any) -> list[str]:
    cells = []
    for name, figure in results.figures.items():
        ends = results.intervals and results.intervals[name]
        interval = f" ({'-'.join(map(figure.end, ends))})" if ends else ""
        cells.append(figure.cell(getattr(results, name)) + interval)
    return cells
