"""All compact tables of a grid together."""

import collections
import dataclasses
from collections.abc import Hashable, Iterable
from pathlib import Path
from typing import Annotated, Any

import pydantic

from recipes.common.files.folders import staged
from recipes.common.files.former_names import existing, with_new_names
from recipes.common.files.json_file import read_json, write_json
from recipes.common.names import CLEAN
from recipes.compare.tables.crossed_score import CrossedScore
from recipes.compare.tables.decision_count import KERAS, DecisionCount
from recipes.compare.tables.degraded_score import DegradedScore
from recipes.compare.tables.epoch import Epoch
from recipes.compare.tables.overview import Overview
from recipes.compare.tables.rows import read_dataclasses, write_dataclasses
from recipes.compare.tables.run_result import RunResult

RUNS, DECISIONS, CURVES, GRID = "runs.csv", "decisions.csv", "curves.csv", "grid.json"
# Only where runs were scored so.
DEGRADED, CROSSED = "degraded.csv", "crossed.csv"
# The attributes of `Tables` that have rows, each of one run.
ROWS = ("runs", "decisions", "curves", "degraded", "crossed")


def _of_now(content: Any) -> Any:
    if not isinstance(content, dict):
        return content
    settings = content.get("settings")
    renamed = {"settings": with_new_names(settings)} if isinstance(settings, dict) else {}
    return with_new_names(content) | renamed


_WrittenOverview = Annotated[Overview, pydantic.BeforeValidator(_of_now)]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Tables:
    """The results of a grid, as far as it got.

    Attributes:
        runs: The finished runs, in any order.
        decisions: Of every run, in the form "keras" and in those of its files.
        curves: Of every run.
        grid: What was planned.
        degraded: Of those runs that were scored on degraded clips.
        crossed: Of those that were scored on other corpora.

    Raises:
        ValueError: If the tables contradict each other: a run that is not in `runs` or comes
            twice there, under its id or as the same training; a decision or an epoch twice; a
            run without decisions, or without one of its epochs; a corpus or a label that `grid`
            does not have; runs of one fold that were not tested on the same clips; runs that were
            not scored in the same conditions, or of one fold and seed on as many clips; more
            runs than planned.
    """

    runs: tuple[RunResult, ...]
    decisions: tuple[DecisionCount, ...]
    curves: tuple[Epoch, ...]
    grid: Overview
    degraded: tuple[DegradedScore, ...] = ()
    crossed: tuple[CrossedScore, ...] = ()

    def __post_init__(self):
        for name in ROWS:
            object.__setattr__(self, name, tuple(getattr(self, name)))
        _check_runs(self)
        _check_decisions(self)
        _check_curves(self)
        _check_same_test(self)
        _check_degraded(self)
        _check_crossed(self)


def write_tables(folder: Path, tables: Tables) -> None:
    """Writes the files into `folder`, whole or not at all."""
    with staged(folder) as beside:
        write_dataclasses(beside / RUNS, RunResult, tables.runs)
        write_dataclasses(beside / DECISIONS, DecisionCount, tables.decisions)
        write_dataclasses(beside / CURVES, Epoch, tables.curves)
        overview = dataclasses.asdict(tables.grid)
        if not tables.grid.tasks:
            # Of classes of emotion nothing is said, as before there were others.
            del overview["tasks"]
        write_json(beside / GRID, overview)
        if tables.degraded:
            write_dataclasses(beside / DEGRADED, DegradedScore, tables.degraded)
        if tables.crossed:
            write_dataclasses(beside / CROSSED, CrossedScore, tables.crossed)
    for name, rows in ((DEGRADED, tables.degraded), (CROSSED, tables.crossed)):
        if not rows:
            (folder / name).unlink(missing_ok=True)


def read_tables(folder: Path) -> Tables:
    """What `write_tables` wrote, or an earlier version of it.

    Raises:
        FileNotFoundError: If a file is not there.
        ValueError: If a file can't be read, or they contradict each other.
    """
    paths = {name: existing(folder, name) for name in (RUNS, DECISIONS, CURVES, GRID)}
    missing = [name for name, path in paths.items() if not path.is_file()]
    if missing:
        raise FileNotFoundError(
            f"There are no results of a grid in '{folder}': {', '.join(missing)} not found."
        )
    tables = {
        "runs": read_dataclasses(paths[RUNS], RunResult),
        "decisions": read_dataclasses(paths[DECISIONS], DecisionCount),
        "curves": read_dataclasses(paths[CURVES], Epoch),
        "grid": read_json(paths[GRID], _WrittenOverview),
    }
    if (folder / DEGRADED).is_file():
        tables["degraded"] = read_dataclasses(folder / DEGRADED, DegradedScore)
    if (folder / CROSSED).is_file():
        tables["crossed"] = read_dataclasses(folder / CROSSED, CrossedScore)
    try:
        return Tables(**tables)
    except ValueError as error:
        raise ValueError(f"'{folder}': {error}") from None


def _once(keys: Iterable[Hashable], what: str) -> None:
    for key, count in collections.Counter(keys).items():
        if count > 1:
            raise ValueError(f"{what} must come once. Received: {key}, {count} times")


def _check_runs(tables: Tables) -> None:
    runs, grid = tables.runs, tables.grid
    if not runs:
        raise ValueError(f"'{RUNS}' must hold one finished run at least. Received: none")
    if len(runs) > grid.runs:
        raise ValueError(
            f"There can't be more runs than planned. Received: {len(runs)} in '{RUNS}', and "
            f"{grid.runs} planned in '{GRID}'"
        )
    _once((corpus.title for corpus in grid.corpora.values()), f"A title in '{GRID}'")
    _once((result.run for result in runs), f"A run of '{RUNS}'")
    trained = [
        (
            *(run.corpus, run.backbone, run.size, run.expansion),
            # Nothing is factored in a plain model.
            *(run.factors if run.expansion else 0, run.optimizer, run.learning_rate),
            *(run.ablation, run.quantizer, run.variant, run.seed, run.fold),
        )
        for run in runs
    ]
    _once(trained, f"A training in '{RUNS}'")
    chosen_by: dict[str, str] = {}
    for run in runs:
        if run.corpus not in grid.corpora:
            raise ValueError(
                f"Corpora must be in '{GRID}' ({', '.join(grid.corpora)}). Received: "
                f"'{run.corpus}' in '{RUNS}'"
            )
        if chosen_by.setdefault(run.corpus, run.select_on) != run.select_on:
            raise ValueError(
                f"All runs of a corpus must have the same `select_on`. Received: "
                f"'{chosen_by[run.corpus]}' and '{run.select_on}' of '{run.corpus}'"
            )


def _check_ids(rows: Iterable[DecisionCount | Epoch], tables: Tables, file: str) -> None:
    known, found = {result.run for result in tables.runs}, {row.run for row in rows}
    if found - known:
        raise ValueError(f"'{file}' must be of runs of '{RUNS}'. Received: {min(found - known)}")
    if known - found:
        raise ValueError(f"'{file}' must have every run of '{RUNS}'. Missing: {min(known - found)}")


def _check_decisions(tables: Tables) -> None:
    keras = [row for row in tables.decisions if row.form == KERAS]
    _check_ids(tables.decisions, tables, DECISIONS)
    _check_ids(keras, tables, f"{DECISIONS}' in the form '{KERAS}")
    _once(
        ((r.run, r.form, r.speaker, r.label, r.prediction) for r in tables.decisions),
        f"A line of '{DECISIONS}'",
    )
    tasks = {name: tables.grid.task(name) for name in tables.grid.corpora}
    of = {each.run: tasks[each.corpus] for each in tables.runs}
    for row in tables.decisions:
        for word in (row.label, row.prediction):
            try:
                of[row.run].parsed(word)
            except ValueError:
                raise ValueError(
                    f"Labels must be among {', '.join(of[row.run].names)}. Received: '{word}' of "
                    f"run {row.run} in '{DECISIONS}'"
                ) from None


def _check_curves(tables: Tables) -> None:
    _check_ids(tables.curves, tables, CURVES)
    _once(((row.run, row.epoch) for row in tables.curves), f"An epoch of '{CURVES}'")
    epochs = collections.defaultdict(set)
    for row in tables.curves:
        epochs[row.run].add(row.epoch)
    for run in tables.runs:
        found = epochs[run.run]
        if max(found) > len(found) or run.chosen_epoch not in found:
            raise ValueError(
                f"'{CURVES}' must have every epoch of a run, from 1 to the last, and among them "
                f"the chosen one. Received: {', '.join(map(str, sorted(found)))} of run "
                f"{run.run}, and {run.chosen_epoch} was chosen"
            )


def _check_same_test(tables: Tables) -> None:
    """Runs of one fold are compared clip by clip, so to say: they must hear the same clips."""
    tested: dict[tuple[str, str], collections.Counter] = collections.defaultdict(
        collections.Counter
    )
    for row in tables.decisions:
        tested[row.run, row.form][row.speaker, row.label] += row.count
    first: dict[tuple[str, str], RunResult] = {}
    of = {result.run: result for result in tables.runs}
    for (name, form), clips in tested.items():
        run = of[name]
        other = first.setdefault((run.corpus, run.fold), run)
        if clips != tested[other.run, KERAS]:
            raise ValueError(
                "All runs of a fold, in all forms, must be tested on the same clips of the same "
                f"speakers. Received: runs {other.run} and {name} (in the form '{form}') of fold "
                f"'{run.fold}' of '{run.corpus}'"
            )


def _check_known(rows: Iterable[DegradedScore | CrossedScore], tables: Tables, file: str) -> None:
    if unknown := {row.run for row in rows} - {result.run for result in tables.runs}:
        raise ValueError(f"'{file}' must be of runs of '{RUNS}'. Received: {min(unknown)}")


def _check_crossed(tables: Tables) -> None:
    _check_known(tables.crossed, tables, CROSSED)
    _once(((row.run, row.corpus) for row in tables.crossed), f"A line of '{CROSSED}'")


def _check_degraded(tables: Tables) -> None:
    """Runs in the same conditions on the same clips can be compared."""
    of = {result.run: result for result in tables.runs}
    rows = tables.degraded
    _check_known(rows, tables, DEGRADED)
    _once(((row.run, row.condition) for row in rows), f"A line of '{DEGRADED}'")
    heard: dict[str, dict[str, int]] = collections.defaultdict(dict)
    for row in rows:
        heard[row.run][row.condition] = row.clips
    first: dict[tuple, str] = {}
    for name, clips in heard.items():
        run = of[name]
        other = first.setdefault((run.corpus, run.fold, run.seed), name)
        if CLEAN not in clips or set(clips) != set(heard[rows[0].run]) or clips != heard[other]:
            raise ValueError(
                f"All runs in '{DEGRADED}' must be scored in the same conditions, '{CLEAN}' among "
                f"them, and those of one fold and seed on as many clips. Received: {other} and "
                f"{name}. Let `degraded` run to its end"
            )
