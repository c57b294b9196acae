"""The segments of a corpus of one's own: the rows of its CSV."""

import math
import os
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

from recipes.common.manifest import SPLITS, Segment
from recipes.common.preparation.problems import MALFORMED_LINE, Problem
from recipes.common.recipe import Prepared
from recipes.custom.table import REQUIRED, find_table, read_table

SPEAKER_TWICE = "speaker in two parts"

# Corpora call the validation part by three names.
_SPLITS = {**{name: name for name in ("", *SPLITS)}, "dev": "validation", "val": "validation"}


def read(data: Path, *, csv: Path | None = None) -> Prepared:
    """The CSV's rows, in its order.

    Args:
        data: Folder that the rows' paths are relative to.
        csv: The CSV; `None`: the only one in `data`.

    Raises:
        FileNotFoundError: If there is no CSV.
        ValueError: If there are several, or it has not the columns.
    """
    table = csv or find_table(data)
    rows, problems = read_table(table)
    good = {}
    for line, row in rows:
        mistakes = list(_mistakes(row))
        problems += [Problem(MALFORMED_LINE, f"{table}:{line}", what) for what in mistakes]
        if not mistakes:
            good[line] = row
    segments: dict[str, tuple[int, Segment]] = {}
    for (line, row), name in zip(good.items(), _names(list(good.values())), strict=True):
        if name in segments:
            what = f"the id '{name}' is that of line {segments[name][0]}"
            problems.append(Problem(MALFORMED_LINE, f"{table}:{line}", what))
        else:
            segments[name] = line, _segment(name, row)
    for part in ("split", "fold"):
        problems += _leaks(segments.values(), part, table)
    return Prepared([segment for _, segment in segments.values()], [], problems)


def _mistakes(row: dict[str, str]) -> Iterator[str]:
    for name in REQUIRED:
        if not row[name]:
            yield f"`{name}` is empty"
    if "\0" in row["path"]:
        yield "`path` has a character that no file name has"
    if row["split"].lower() not in _SPLITS:
        yield f"`split` must be one of {', '.join(SPLITS)}, or empty, and is '{row['split']}'"
    start, end = (_seconds(row[name]) for name in ("start", "end"))
    for name, value in (("start", start), ("end", end)):
        if value is not None and not 0 <= value < math.inf:
            yield f"`{name}` must be seconds in the file, or empty, and is '{row[name]}'"
    if end is not None and end <= (start or 0):
        yield f"`end` must be later than `start`: '{row['start']}' to '{row['end']}'"


def _seconds(text: str) -> float | None:
    if not text:
        return None
    try:
        return float(text)
    except ValueError:
        return math.nan


def _names(rows: list[dict[str, str]]) -> Iterator[str]:
    """The rows' ids: as given, or the path without suffix, numbered where a file has several."""
    rows_of = Counter(row["path"] for row in rows)
    seen: Counter = Counter()
    for row in rows:
        path = row["path"]
        seen[path] += 1
        stem = os.path.splitext(path)[0]
        yield row["id"] or (stem if rows_of[path] == 1 else f"{stem}_{seen[path]}")


def _segment(name: str, row: dict[str, str]) -> Segment:
    return Segment(
        id=name,
        path=row["path"],
        start=_seconds(row["start"]),
        end=_seconds(row["end"]),
        speaker=row["speaker"],
        sex=row["sex"],
        label=row["label"].lower(),
        split=_SPLITS[row["split"].lower()],
        fold=row["fold"],
        session=row["session"],
        text_id=row["text_id"],
    )


def _leaks(segments: Iterable[tuple[int, Segment]], part: str, table: Path) -> Iterator[Problem]:
    """A speaker whom a model would hear in training and in the test: once for each such speaker."""
    first: dict[str, tuple[int, str]] = {}
    told = set()
    for line, segment in segments:
        value = getattr(segment, part)
        if not value:
            continue
        former, known = first.setdefault(segment.speaker, (line, value))
        if value != known and segment.speaker not in told:
            told.add(segment.speaker)
            what = f"`{part}` of speaker '{segment.speaker}' is '{value}', and in line {former} "
            yield Problem(SPEAKER_TWICE, f"{table}:{line}", f"{what}'{known}'")
