"""All compact tables of a grid together."""

import collections
import dataclasses
from collections.abc import Hashable, Iterable
from pathlib import Path

from recipes.common.files.folders import staged
from recipes.common.files.json_file import read_json, write_json
from recipes.compare.tables.cell_result import CellResult
from recipes.compare.tables.decision_count import KERAS, DecisionCount
from recipes.compare.tables.epoch import Epoch
from recipes.compare.tables.overview import Overview
from recipes.compare.tables.rows import read_dataclasses, write_dataclasses

CELLS, DECISIONS, CURVES, GRID = "cells.csv", "decisions.csv", "curves.csv", "grid.json"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Tables:
    """The results of a grid, as far as it got.

    Attributes:
        cells: The finished cells, in any order.
        decisions: Of every cell, in the form "keras" and in those of its files.
        curves: Of every cell.
        grid: What was planned.

    Raises:
        ValueError: If the tables contradict each other: a cell that is not in `cells` or comes
            twice there, under its id or as the same training; a decision or an epoch twice; a
            cell without decisions, or without one of its epochs; a corpus or a label that `grid`
            does not have; cells of one fold that were not tested on the same clips; more cells
            than planned.
    """

    cells: tuple[CellResult, ...]
    decisions: tuple[DecisionCount, ...]
    curves: tuple[Epoch, ...]
    grid: Overview

    def __post_init__(self):
        for name in ("cells", "decisions", "curves"):
            object.__setattr__(self, name, tuple(getattr(self, name)))
        _check_cells(self)
        _check_decisions(self)
        _check_curves(self)
        _check_same_test(self)


def write_tables(folder: Path, tables: Tables) -> None:
    """Writes the four files into `folder`, whole or not at all."""
    with staged(folder) as beside:
        write_dataclasses(beside / CELLS, CellResult, tables.cells)
        write_dataclasses(beside / DECISIONS, DecisionCount, tables.decisions)
        write_dataclasses(beside / CURVES, Epoch, tables.curves)
        write_json(beside / GRID, tables.grid)


def read_tables(folder: Path) -> Tables:
    """What `write_tables` wrote.

    Raises:
        FileNotFoundError: If a file is not there.
        ValueError: If a file can't be read, or they contradict each other.
    """
    missing = [name for name in (CELLS, DECISIONS, CURVES, GRID) if not (folder / name).is_file()]
    if missing:
        raise FileNotFoundError(
            f"There are no results of a grid in '{folder}': {', '.join(missing)} not found."
        )
    parts = {
        "cells": read_dataclasses(folder / CELLS, CellResult),
        "decisions": read_dataclasses(folder / DECISIONS, DecisionCount),
        "curves": read_dataclasses(folder / CURVES, Epoch),
        "grid": read_json(folder / GRID, Overview),
    }
    try:
        return Tables(**parts)
    except ValueError as error:
        raise ValueError(f"'{folder}': {error}") from None


def _once(keys: Iterable[Hashable], what: str) -> None:
    for key, count in collections.Counter(keys).items():
        if count > 1:
            raise ValueError(f"{what} must come once. Received: {key}, {count} times")


def _check_cells(tables: Tables) -> None:
    cells, grid = tables.cells, tables.grid
    if not cells:
        raise ValueError(f"'{CELLS}' must hold one finished cell at least. Received: none")
    if len(cells) > grid.cells:
        raise ValueError(
            f"There can't be more cells than planned. Received: {len(cells)} in '{CELLS}', and "
            f"{grid.cells} planned in '{GRID}'"
        )
    _once((corpus.title for corpus in grid.corpora.values()), f"A title in '{GRID}'")
    _once((cell.cell for cell in cells), f"A cell of '{CELLS}'")
    trained = [
        (
            *(cell.corpus, cell.backbone, cell.size, cell.expansion),
            # Nothing is factored in a plain model.
            *(cell.factors if cell.expansion else 0, cell.optimizer, cell.learning_rate),
            *(cell.control, cell.seed, cell.fold),
        )
        for cell in cells
    ]
    _once(trained, f"A training in '{CELLS}'")
    chosen_by: dict[str, str] = {}
    for cell in cells:
        if cell.corpus not in grid.corpora:
            raise ValueError(
                f"Corpora must be in '{GRID}' ({', '.join(grid.corpora)}). Received: "
                f"'{cell.corpus}' in '{CELLS}'"
            )
        if chosen_by.setdefault(cell.corpus, cell.select_on) != cell.select_on:
            raise ValueError(
                f"All cells of a corpus must have the same `select_on`. Received: "
                f"'{chosen_by[cell.corpus]}' and '{cell.select_on}' of '{cell.corpus}'"
            )


def _check_ids(rows: Iterable[DecisionCount | Epoch], tables: Tables, file: str) -> None:
    known, found = {cell.cell for cell in tables.cells}, {row.cell for row in rows}
    if found - known:
        raise ValueError(f"'{file}' must be of cells of '{CELLS}'. Received: {min(found - known)}")
    if known - found:
        raise ValueError(
            f"'{file}' must have every cell of '{CELLS}'. Missing: {min(known - found)}"
        )


def _check_decisions(tables: Tables) -> None:
    keras = [row for row in tables.decisions if row.form == KERAS]
    _check_ids(tables.decisions, tables, DECISIONS)
    _check_ids(keras, tables, f"{DECISIONS}' in the form '{KERAS}")
    _once(
        ((r.cell, r.form, r.speaker, r.label, r.prediction) for r in tables.decisions),
        f"A line of '{DECISIONS}'",
    )
    labels = {cell.cell: tables.grid.corpora[cell.corpus].labels for cell in tables.cells}
    for row in tables.decisions:
        for word in (row.label, row.prediction):
            if word not in labels[row.cell]:
                raise ValueError(
                    f"Labels must be among {', '.join(labels[row.cell])}. Received: '{word}' of "
                    f"cell {row.cell} in '{DECISIONS}'"
                )


def _check_curves(tables: Tables) -> None:
    _check_ids(tables.curves, tables, CURVES)
    _once(((row.cell, row.epoch) for row in tables.curves), f"An epoch of '{CURVES}'")
    epochs = collections.defaultdict(set)
    for row in tables.curves:
        epochs[row.cell].add(row.epoch)
    for cell in tables.cells:
        found = epochs[cell.cell]
        if max(found) > len(found) or cell.chosen_epoch not in found:
            raise ValueError(
                f"'{CURVES}' must have every epoch of a cell, from 1 to the last, and among them "
                f"the chosen one. Received: {', '.join(map(str, sorted(found)))} of cell "
                f"{cell.cell}, and {cell.chosen_epoch} was chosen"
            )


def _check_same_test(tables: Tables) -> None:
    """Cells of one fold are compared clip by clip, so to say: they must hear the same clips."""
    tested: dict[tuple[str, str], collections.Counter] = collections.defaultdict(
        collections.Counter
    )
    for row in tables.decisions:
        tested[row.cell, row.form][row.speaker, row.label] += row.count
    first: dict[tuple[str, str], CellResult] = {}
    of = {cell.cell: cell for cell in tables.cells}
    for (name, form), clips in tested.items():
        cell = of[name]
        other = first.setdefault((cell.corpus, cell.fold), cell)
        if clips != tested[other.cell, KERAS]:
            raise ValueError(
                "All cells of a fold, in all forms, must be tested on the same clips of the same "
                f"speakers. Received: cells {other.cell} and {name} (in the form '{form}') of fold "
                f"'{cell.fold}' of '{cell.corpus}'"
            )
