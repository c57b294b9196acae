"""The segments of a corpus of one's own: the rows of its CSV."""

import math
import os
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from recipes.common.manifest import SPLITS, Segment
from recipes.common.preparation.problems import MALFORMED_LINE, Problem
from recipes.common.protocol.labels import is_value, plain_word
from recipes.common.recipe import Prepared
from recipes.custom.conflicts import conflicts
from recipes.custom.table import KNOWN, find_table, read_table, required

# Corpora call the validation split by three names.
_SPLITS = {**{name: name for name in ("", *SPLITS)}, "dev": "validation", "val": "validation"}
# As in "0 days 00:01:02.5", "01:02.5" and "0 days".
_CLOCK = re.compile(r"(?:(\d+) days?,? ?)?(?:(?:(\d+):)?(\d+):(\d+(?:\.\d*)?))?")


def read(data: Path, *, csv: Path | None = None, target: str = "label") -> Prepared:
    """The CSV's rows, in its order.

    Args:
        data: Folder that the rows' paths are relative to.
        csv: The CSV; `None`: the only one in `data`.
        target: The column that says what is true of a clip: it must be there in every row.

    Raises:
        FileNotFoundError: If there is no CSV.
        ValueError: If there are several, or it has not the columns.
    """
    table = csv or find_table(data)
    rows, problems = read_table(table, target)
    good = {}
    for line, row in rows:
        mistakes = list(_mistakes(row, target))
        problems += [Problem(MALFORMED_LINE, f"{table}:{line}", what) for what in mistakes]
        if not mistakes:
            good[line] = row
    segments: dict[str, tuple[int, Segment]] = {}
    for (line, row), name in zip(good.items(), _names(list(good.values())), strict=True):
        if name in segments:
            what = f"the id '{name}' is that of line {segments[name][0]}"
            problems.append(Problem(MALFORMED_LINE, f"{table}:{line}", what))
        else:
            segments[name] = line, _segment(name, row, f"{table}:{line}")
    rows = dict(segments.values())
    problems += conflicts(rows, data, table)
    return Prepared(list(rows.values()), [], problems)


def _mistakes(row: dict[str, str], target: str) -> Iterator[str]:
    for name in required(target):
        if not row[name]:
            yield f"`{name}` is empty"
        # Of another target its task says what it must be.
        elif name in ("label", "speaker") and not is_value(row[name]):
            yield f"`{name}` is '{row[name]}', which says that there is none"
    if "\0" in row["path"]:
        yield "`path` has a character that no file name has"
    if _text(row["split"]).lower() not in _SPLITS:
        yield f"`split` must be one of {', '.join(SPLITS)}, or empty, and is '{row['split']}'"
    start, end = (_seconds(row[name]) for name in ("start", "end"))
    for name, value in (("start", start), ("end", end)):
        if value is not None and not 0 <= value < math.inf:
            yield (
                f"`{name}` must be seconds in the file (or as in 00:01:02.5), or empty, and is "
                f"'{row[name]}'"
            )
    if end is not None and end <= (start or 0):
        yield f"`end` must be later than `start`: '{row['start']}' to '{row['end']}'"


def _text(cell: str) -> str:
    return cell if is_value(cell) else ""


def _seconds(text: str) -> float | None:
    """A time in seconds, or as pandas and audformat write it; `None`: none is given."""
    if not is_value(text):
        return None
    # Where cells end with a semicolon, decimals begin with a comma.
    text = text.replace(",", ".")
    clock = _CLOCK.fullmatch(text)
    if clock:
        days, hours, minutes, seconds = (float(part or 0) for part in clock.groups())
        return ((24 * days + hours) * 60 + minutes) * 60 + seconds
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
        yield _text(row["id"]) or (stem if rows_of[path] == 1 else f"{stem}_{seen[path]}")


def _segment(name: str, row: dict[str, str], where: str) -> Segment:
    return Segment(
        id=name,
        path=row["path"],
        start=_seconds(row["start"]),
        end=_seconds(row["end"]),
        speaker=row["speaker"],
        sex=_text(row["sex"]),
        label=plain_word(_text(row["label"])),
        split=_SPLITS[_text(row["split"]).lower()],
        fold=_text(row["fold"]),
        session=_text(row["session"]),
        text_id=_text(row["text_id"]),
        more=tuple((n, cell) for n, cell in row.items() if n not in KNOWN),
        where=where,
    )
