"""Features in a CSV, a row for each clip, as openSMILE writes functionals."""

import csv
import math
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import NamedTuple

import numpy as np

from keras_reparam.audio.clip_listing import SUFFIXES
from recipes.common.files.rows import delimiter_of
from recipes.common.frozen.bad_clip import BadClip
from recipes.common.frozen.clip_name import clip_name
from recipes.common.frozen.moments import Moments, moments_of
from recipes.common.manifest import Segment
from recipes.common.protocol.labels import is_value

# Columns of the clip's name, the first that is there; and those that are no features.
_NAMES = ("file", "name")
_INDEX = {*_NAMES, "start", "end", "frametime", "frameindex"}


class _Row(NamedTuple):
    folders: tuple[str, ...]
    line: int
    values: np.ndarray


class FeatureTable:
    """A row for each clip: a column `file` or `name`, and numbers.

    A row is the clip's whose `clip_name` ends with the row's name, or is what that ends with, in
    whole folders, and with an audio file's suffix or without.

    Args:
        path: The CSV, its cells separated by commas, semicolons or tabs.

    Raises:
        ValueError: If it isn't such a CSV.
    """

    parameters = 0

    def __init__(self, path: Path):
        self.described = f"'{path}'"
        self._rows: dict[str, list[_Row]] = {}
        for name, line, values in _read(path):
            *folders, last = _parts(name)
            self._rows.setdefault(last, []).append(_Row(tuple(folders), line, values))

    def shape(self, segment: Segment) -> tuple[int, int]:
        return 1, len(self._row(segment))

    def moments(self, segment: Segment) -> Moments:
        return moments_of(self._row(segment)[None, None])

    def _row(self, segment: Segment) -> np.ndarray:
        *folders, last = clip_name(segment).split("/")
        found = [row for row in self._rows.get(last, []) if _end_alike(row.folders, folders)]
        if not found:
            raise BadClip("no row")
        if len(found) > 1:
            lines = " and ".join(str(row.line) for row in found[:2])
            raise BadClip(f"more than one row (lines {lines})")
        return found[0].values


def _parts(name: str) -> list[str]:
    """Folders and last part, without an audio file's suffix."""
    path = PurePosixPath(name.replace("\\", "/"))
    if path.suffix.lower() in SUFFIXES:
        path = path.with_suffix("")
    return [part for part in path.parts if part != path.root] or [""]


def _end_alike(some: tuple[str, ...], others: list[str]) -> bool:
    return all(one == other for one, other in zip(reversed(some), reversed(others), strict=False))


def _read(path: Path) -> Iterator[tuple[str, int, np.ndarray]]:
    """Name, line and numbers of every row."""
    with path.open(newline="", encoding="utf-8-sig") as file:
        reader = csv.reader(file, strict=True, delimiter=delimiter_of(path))
        try:
            heading = [cell.strip() for cell in next(reader, [])]
            lower = [cell.lower() for cell in heading]
            named = next((lower.index(name) for name in _NAMES if name in lower), None)
            columns = [i for i, name in enumerate(lower) if name not in _INDEX]
            if named is None or not columns:
                raise ValueError(
                    "A CSV of features must have a column `file` or `name`, and columns of "
                    f"numbers. Received: '{path}' with {', '.join(heading[:8]) or 'nothing'}"
                )
            for cells in reader:
                if not any(cells):
                    continue
                where = f"'{path}', line {reader.line_num}"
                if len(cells) != len(heading):
                    raise ValueError(
                        f"Every row must have {len(heading)} cells, as the heading. Received: "
                        f"{len(cells)} in {where}"
                    )
                # SMILExtract puts names between single quotes.
                name = cells[named].strip().strip("'")
                numbers = [_number(cells[i], heading[i], where) for i in columns]
                yield name, reader.line_num, np.array(numbers)
        except (csv.Error, UnicodeDecodeError) as error:
            raise ValueError(f"'{path}' is no CSV file in UTF-8: {error}") from error


def _number(cell: str, column: str, where: str) -> float:
    try:
        return float(cell)
    except ValueError:
        if not is_value(cell):
            return math.nan
        raise ValueError(
            f"All columns but file, name, start and end must hold numbers. Received: '{cell}' in "
            f"the column `{column}` of {where}"
        ) from None
