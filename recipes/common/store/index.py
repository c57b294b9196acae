"""Which clip lies where in a store, and what it was read from."""

import csv
import dataclasses
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TypeVar

from recipes.common.files.rows import write_rows
from recipes.common.manifest import Segment

Clip = TypeVar("Clip")


@dataclasses.dataclass(frozen=True)
class Source:
    """What a clip is read from. Equal sources give equal samples.

    Attributes:
        id: The clip's name in the manifest.
        path: Audio file, relative to the corpus's folder.
        start: Begin in seconds inside the file, or `None`.
        end: End in seconds inside the file, or `None`.
        bytes: The file's size.
        modified: When the file was last changed, in nanoseconds.
    """

    id: str
    path: str
    start: float | None
    end: float | None
    bytes: int
    modified: int


@dataclasses.dataclass(frozen=True)
class Piece:
    """Where a clip lies: its first sample and their number."""

    offset: int
    length: int


@dataclasses.dataclass(frozen=True)
class Unreadable:
    """A clip of the manifest that can't be read, and why."""

    id: str
    path: str
    reason: str


COLUMNS = ("id", "offset", "length", "path", "start", "end", "bytes", "modified")


def sources_of(
    segments: Iterable[Segment], data: Path
) -> tuple[list[Source], dict[str, Unreadable]]:
    """The segments' sources, in their order, and by id the segments that have no file."""
    files: dict[str, tuple[int, int] | None] = {}
    sources, missing = [], {}
    for segment in segments:
        if segment.path not in files:
            files[segment.path] = file_state(data / segment.path)
        state = files[segment.path]
        if state is None:
            reason = f"There is no audio file '{data / segment.path}'"
            missing[segment.id] = Unreadable(segment.id, segment.path, reason)
        else:
            sources.append(Source(segment.id, segment.path, segment.start, segment.end, *state))
    return sources, missing


def file_state(path: Path) -> tuple[int, int] | None:
    """Size and time of the last change, by which a changed file is known; `None` without file."""
    try:
        found = path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return None
    return found.st_size, found.st_mtime_ns


def one_after_another(lengths: Mapping[Clip, int]) -> dict[Clip, Piece]:
    """Pieces of these lengths in this order, without gaps."""
    pieces, offset = {}, 0
    for source, length in lengths.items():
        pieces[source] = Piece(offset, length)
        offset += length
    return pieces


def read_index(path: Path) -> dict[Source, Piece]:
    """The pieces of an index, in its order.

    Raises:
        FileNotFoundError: If there is none.
        ValueError: If it isn't an index.
    """
    try:
        with path.open(newline="", encoding="utf-8") as file:
            return {_source(row): _piece(row) for row in csv.DictReader(file, strict=True)}
    except (csv.Error, KeyError, TypeError, UnicodeDecodeError, ValueError) as error:
        raise ValueError(
            f"'{path}' is no index of a store; delete it, and build the store again: {error}"
        ) from error


def write_index(path: Path, pieces: Mapping[Source, Piece]) -> None:
    """Writes an index, whole or not at all."""
    rows = ({**dataclasses.asdict(s), **dataclasses.asdict(p)} for s, p in pieces.items())
    write_rows(path, COLUMNS, rows)


def _source(row: Mapping[str, str]) -> Source:
    start, end = (float(row[name]) if row[name] else None for name in ("start", "end"))
    return Source(row["id"], row["path"], start, end, int(row["bytes"]), int(row["modified"]))


def _piece(row: Mapping[str, str]) -> Piece:
    return Piece(int(row["offset"]), int(row["length"]))
