"""Results on the screen, each beside its majority baseline."""

from collections.abc import Iterable, Mapping

from rich import box
from rich.table import Table
from rich.text import Text

from recipes.common.results.intervals import CONFIDENCE
from recipes.common.results.metrics import FIGURES
from recipes.common.results.pooling import FoldedResults
from recipes.common.results.results import Results


def results_table(results: Mapping[str, Results], *, title: str) -> Table:
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
    means = [f"{_percent(results.mean[f])} ± {100 * deviation[f]:.1f}" for f in FIGURES]
    table.add_row("mean ± SD", "", *means)
    table.add_row(*_baseline(results.majority_mean), style="dim")
    table.add_section()
    _add(table, "pooled", results.pooled)
    return table


def class_table(results: Results, *, title: str) -> Table:
    """Recall, precision and F1 of every class."""
    table = Table(title=Text(title), title_justify="left", box=box.SIMPLE_HEAD)
    table.add_column("class", overflow="fold")
    for name in ("n", "recall", "precision", "F1"):
        table.add_column(name, justify="right", no_wrap=True)
    for label, row in zip(results.labels, results.confusion, strict=True):
        values = (results.recall[label], results.precision[label], results.f1[label])
        cells = ("-" if value is None else _percent(value) for value in values)
        table.add_row(Text(label), f"{sum(row):,}", *cells)
    return table


def _named(results: FoldedResults) -> dict[str, Results]:
    return {f"fold {name}": found for name, found in results.folds.items()}


def _table(title: str, results: Iterable[Results]) -> Table:
    results = list(results)
    caption = ["In percent; n: number of decisions."]
    if any(found.intervals for found in results):
        caption.append(f"In brackets: {CONFIDENCE:.0%} interval over speakers.")
    labels = dict.fromkeys(label for found in results for label in found.majority_labels)
    caption.append(f"Majority: always the most frequent class of training ({', '.join(labels)}).")
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
    for name in FIGURES.values():
        table.add_column(name, no_wrap=True)
    return table


def _add(table: Table, name: str, results: Results) -> None:
    table.add_row(Text(name), f"{results.clips:,}", *_cells(results), style="bold")
    table.add_row(*_baseline(results.majority), style="dim")


def _baseline(majority: Mapping[str, float]) -> list[str]:
    return ["majority", "", *(_percent(majority[figure]) for figure in FIGURES)]


def _cells(results: Results) -> list[str]:
    cells = []
    for figure in FIGURES:
        ends = results.intervals and results.intervals[figure]
        interval = f" ({100 * ends[0]:.0f}-{100 * ends[1]:.0f})" if ends else ""
        cells.append(_percent(getattr(results, figure)) + interval)
    return cells


def _percent(value: float) -> str:
    """As wide for 9.5 as for 100.0, so that decimal points are below each other."""
    return f"{100 * value:5.1f}"
