"""The report of a grid, whole or not at all."""

import collections
import itertools
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

from keras_reparam._utils.files import write_bytes
from keras_reparam.deploy.release.model_card import markdown_table
from recipes.common.files.folders import staged
from recipes.common.results.intervals import CONFIDENCE, FEWEST_SPEAKERS
from recipes.common.settings import FROZEN
from recipes.compare.report.bootstrap import EQUIVALENCE_CONFIDENCE, RESAMPLES
from recipes.compare.report.comparison import (
    FEWEST_SEEDS,
    LEVEL,
    MARGIN,
    Comparison,
    comparisons_of,
    sentence,
)
from recipes.compare.report.degraded import degraded_table, scored_conditions, worth_table
from recipes.compare.report.degraded_plot import plot_degraded
from recipes.compare.report.incomplete import alone, gaps, progress
from recipes.compare.report.plots import (
    plot_differences,
    plot_learning_curves,
    plot_rates,
    plot_sizes,
)
from recipes.compare.report.report_tables import (
    compact_scores,
    difference_table,
    file_table,
    pair_table,
    rate_table,
    score_table,
    sensitivity_table,
)
from recipes.compare.report.scores import Group, groups_of, variants_of
from recipes.compare.report.table import Table
from recipes.compare.report.text import markdown_text
from recipes.compare.tables.epoch import Epoch
from recipes.compare.tables.tables import Tables, read_tables

REPORT = "report.md"
_READING = (
    f"A difference is called shown only if its {CONFIDENCE:.0%} interval over speakers excludes "
    f"zero, its Holm-corrected p is below {LEVEL}, and it has {FEWEST_SEEDS} seeds at least. "
    "Otherwise none is shown, which is no proof that there is none.",
    "Pairs are runs of both conditions with the same fold and seed; runs without a partner are "
    "left out of differences.",
    "Seeds of one fold share its test speakers, and folds share training speakers: pairs are not "
    "independent, and Wilcoxon's p may be too small. Intervals over few speakers are too narrow.",
    f"Intervals: speakers of all folds are drawn with replacement, {RESAMPLES:,} times, the same "
    "ones for both conditions and all seeds; in each resample the folds are pooled for each seed, "
    "and the differences averaged over the seeds. With fewer than "
    f"{FEWEST_SPEAKERS} speakers there is no interval.",
    f"Equivalent, within ±{100 * MARGIN:g} point: the {EQUIVALENCE_CONFIDENCE:.0%} interval over "
    "speakers lies within it (two one-sided tests at 5%), of the same seeds at least. A test for "
    "each comparison, not corrected.",
    "Mixed model: the mean difference of speakers' own scores, with fold and speaker as random "
    "effects: every speaker counts the same, and others like them are meant, too.",
    "Wilcoxon's signed-rank test, two-sided, is over the pairs that differ; p-values are corrected "
    "by Holm's method over all comparisons of this report that have pairs.",
    "Of several learning rates each condition has the one with the highest mean validation score "
    "over the folds and seeds that are done at all of its rates; test scores have no part in that. "
    "HRF moves the effective kernel further in a step than a plain layer at the same learning "
    "rate: conditions that are compared at one rate may differ for that reason alone.",
    "Scores are in percent, differences in points of them. n: number of folds and seeds; rows "
    "with other folds and seeds are not to be compared at sight. After ± stands the standard "
    "deviation over folds and seeds.",
    "Latencies were measured while other runs trained, and runs of the same network differ by that "
    "alone: MACs tell more.",
)


def write_report(results: Path, out: Path) -> None:
    """Writes the report of compact tables: Markdown, CSV, LaTeX and pictures, whole or not at all.

    In `out` are then `report.md`; `scores`, `rates`, `differences` and `pairs`, each as `.csv` and
    `.tex`; `differences-<corpus>.png` where conditions have pairs; `size-<corpus>.png`; and
    `curves-<corpus>-<backbone>.png`. Where learning rates were tried, `sensitivity` and
    `rates-<corpus>-<backbone>.png`. Where runs were scored on degraded clips, `degraded` and
    `degraded-differences`, and `degraded-<corpus>-<backbone>.png`.

    Args:
        results: Folder of the tables.
        out: Where to.

    Raises:
        FileNotFoundError: If a table is not there.
        ValueError: If the tables can't be read, or contradict each other.
    """
    tables = read_tables(results)
    groups = groups_of(tables)
    comparisons = comparisons_of(groups)
    found = {
        table.name: table
        for table in (
            score_table(groups),
            file_table(groups),
            rate_table(groups),
            sensitivity_table(groups),
            difference_table(groups, comparisons),
            pair_table(groups, comparisons),
            *_degraded_tables(tables, groups, comparisons),
        )
    }
    with staged(out) as beside:
        pictures = _draw(beside, tables, groups, comparisons)
        for table in found.values():
            table.write(beside)
        text = _markdown(tables, groups, comparisons, found, pictures)
        write_bytes(beside / REPORT, text.encode("utf-8"))


def readme_table(results: Path) -> str:
    """Markdown for a README: scores of every corpus and backbone, and what they support.

    Args:
        results: Folder of the tables.

    Raises:
        FileNotFoundError: If a table is not there.
        ValueError: If the tables can't be read, or contradict each other.
    """
    tables = read_tables(results)
    groups = groups_of(tables)
    comparisons = comparisons_of(groups)
    degraded = _degraded_tables(tables, groups, comparisons)
    parts = [progress(tables)]
    for group in groups:
        head, rows = compact_scores(group)
        cells = [[markdown_text(cell) for cell in row] for row in rows]
        parts += [f"**{markdown_text(group.heading)}**", markdown_table(head, cells)]
        compared = [each for each in comparisons if each.group is group]
        parts.append(_bullets([sentence(each, short=True) for each in compared]))
        cautions = dict.fromkeys(told for each in compared for told in each.cautions)
        parts.append(markdown_text(" ".join(f"{each}." for each in cautions)))
        parts += _on_degraded_clips(degraded, group.heading)
    parts.append(_READING[0])
    return "\n\n".join(filter(None, parts)) + "\n"


def _degraded_tables(
    tables: Tables, groups: Sequence[Group], comparisons: Sequence[Comparison]
) -> tuple[Table, ...]:
    """None if nothing was scored on degraded clips."""
    if not tables.degraded:
        return ()
    return degraded_table(groups), worth_table(groups, comparisons, variants_of(tables.grid))


def _on_degraded_clips(found: Sequence[Table], heading: str) -> Iterator[str]:
    """The caption and the section of each table, if it has one."""
    for table in found:
        if section := table.markdown(heading):
            yield markdown_text(table.caption)
            yield section


def _draw(
    folder: Path, tables: Tables, groups: Sequence[Group], comparisons: Sequence[Comparison]
) -> Mapping[str, list[str]]:
    """Draws all pictures; their names by the heading of the group below which they stand."""
    curves: dict[str, list[Epoch]] = collections.defaultdict(list)
    for row in sorted(tables.curves, key=lambda row: row.epoch):
        curves[row.run].append(row)
    drawn: dict[str, list[str]] = {group.heading: [] for group in groups}
    for corpus, members in itertools.groupby(groups, key=lambda group: group.corpus):
        # Of a frozen teacher there is neither a file nor a curve.
        of_corpus = [
            group
            for group in members
            if group.backbone != FROZEN and any(condition.runs for condition in group.conditions)
        ]
        if not of_corpus:
            continue
        first, name = drawn[of_corpus[0].heading], quote(corpus, safe="")
        pairs = [e for e in comparisons if e.group.corpus == corpus and e.spread is not None]
        if pairs:
            first.append(f"differences-{name}.png")
            plot_differences(folder / first[-1], pairs)
        first.append(f"size-{name}.png")
        plot_sizes(folder / first[-1], of_corpus)
        for group in of_corpus:
            picture = f"curves-{name}-{quote(group.backbone, safe='')}.png"
            drawn[group.heading].append(picture)
            plot_learning_curves(folder / picture, group, curves)
            if any(condition.validation for condition in group.conditions):
                picture = f"rates-{name}-{quote(group.backbone, safe='')}.png"
                drawn[group.heading].append(picture)
                plot_rates(folder / picture, group)
            if scored_conditions(group):
                picture = f"degraded-{name}-{quote(group.backbone, safe='')}.png"
                drawn[group.heading].append(picture)
                plot_degraded(folder / picture, group)
    return drawn


def _markdown(
    tables: Tables,
    groups: Sequence[Group],
    comparisons: Sequence[Comparison],
    found: Mapping[str, Table],
    pictures: Mapping[str, Sequence[str]],
) -> str:
    parts = ["# Comparison", progress(tables), "## What the numbers support"]
    for group in groups:
        told = [sentence(each) for each in comparisons if each.group is group]
        parts.append(f"### {markdown_text(group.heading)}")
        parts.append(_bullets(told) or "There are no two conditions to compare.")
    parts += ["## How to read it", _bullets(_READING)]
    for group in groups:
        parts += _group(group, comparisons, found, pictures[group.heading])
    parts += ["## Settings of the grid", _listed(tables.grid.settings)]
    parts += ["## Environment", _listed(tables.grid.environment)]
    return "\n\n".join(filter(None, parts)) + "\n"


def _group(
    group: Group,
    comparisons: Sequence[Comparison],
    found: Mapping[str, Table],
    pictures: Sequence[str],
) -> Iterator[str]:
    yield f"## {markdown_text(group.heading)}"
    yield (
        f"Headline figure: {group.figure_name}, by which epochs and learning rates were chosen "
        f"on the validation split. {group.task.named}: "
        f"{markdown_text(', '.join(group.labels))}."
    )
    yield _bullets(group.notes)
    yield "### Scores"
    yield found["scores"].markdown(group.heading)
    yield _bullets(gaps(group))
    if names := alone(group, comparisons):
        yield f"Compared with nothing: {markdown_text('; '.join(names))}."
    if files := found["files"].markdown(group.heading):
        yield "### Files of few bits"
        yield markdown_text(found["files"].caption)
        yield files
    if chosen := found["rates"].markdown(group.heading):
        yield "### Learning rates"
        yield markdown_text(found["rates"].caption)
        yield chosen
    if sensitive := found["sensitivity"].markdown(group.heading):
        yield markdown_text(found["sensitivity"].caption)
        yield sensitive
    if differences := found["differences"].markdown(group.heading):
        yield "### Differences"
        yield markdown_text(found["differences"].caption)
        yield differences
        yield markdown_text(found["pairs"].caption)
        yield found["pairs"].markdown(group.heading)
    degraded = [found[name] for name in ("degraded", "degraded-differences") if name in found]
    if told := list(_on_degraded_clips(degraded, group.heading)):
        yield "### Degraded validation clips"
        yield from told
    for name in pictures:
        yield f"![{name.partition('-')[0]}]({quote(name)})"


def _bullets(texts: Sequence[str]) -> str:
    return "\n".join(f"- {markdown_text(text)}" for text in texts)


def _listed(content: Mapping[str, Any]) -> str:
    return markdown_table(
        ["name", "value"],
        [[markdown_text(name), markdown_text(_plain(value))] for name, value in content.items()],
    )


def _plain(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
