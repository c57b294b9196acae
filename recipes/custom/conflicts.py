"""Rows of a CSV of one's own that can't all be true."""

import os
import re
import unicodedata
from collections.abc import Hashable, Iterator, Mapping
from pathlib import Path

from recipes.common.manifest import Segment
from recipes.common.preparation.problems import Problem
from recipes.common.protocol.labels import common_label

SPEAKER_TWICE = "speaker in two splits"
SPEAKER_SPELLED_TWICE = "speaker spelled in two ways"
AUDIO_TWICE = "audio in two rows"

# What must be the same of clips that overlap.
_COMPARED = ("label", "speaker", "split", "fold")
# Seconds by which clips may overlap: times are rounded.
_ROUNDED = 0.001


def conflicts(rows: Mapping[int, Segment], data: Path, table: Path) -> Iterator[Problem]:
    """What is wrong with rows together; each problem names both lines.

    Args:
        rows: The segments by their lines, in the order of the lines.
        data: Folder that their paths are relative to.
        table: The CSV.
    """
    for column in ("split", "fold"):
        yield from _leaks(rows, column, table)
    yield from _spellings(rows, table)
    yield from _overlaps(rows, data, table)


def _leaks(rows: Mapping[int, Segment], column: str, table: Path) -> Iterator[Problem]:
    """A speaker whom a model would hear in training and in the test: once for each such speaker."""
    first: dict[str, tuple[int, str]] = {}
    told = set()
    for line, segment in rows.items():
        value = getattr(segment, column)
        if not value:
            continue
        former, known = first.setdefault(segment.speaker, (line, value))
        if value != known and segment.speaker not in told:
            told.add(segment.speaker)
            what = f"`{column}` of speaker '{segment.speaker}' is '{value}', and in line {former} "
            yield Problem(SPEAKER_TWICE, f"{table}:{line}", f"{what}'{known}'")


def _spellings(rows: Mapping[int, Segment], table: Path) -> Iterator[Problem]:
    """Speakers that differ by case or leading zeros alone: once for each spelling but the first."""
    first: dict[str, tuple[int, str]] = {}
    told = set()
    for line, segment in rows.items():
        speaker = segment.speaker
        plainest = re.sub(r"(?<!\d)0+(?=\d)", "", speaker.casefold())
        former, known = first.setdefault(plainest, (line, speaker))
        if speaker != known and speaker not in told:
            told.add(speaker)
            what = f"`speaker` is '{speaker}', and in line {former} '{known}': one or two people?"
            yield Problem(SPEAKER_SPELLED_TWICE, f"{table}:{line}", what)


def _overlaps(rows: Mapping[int, Segment], data: Path, table: Path) -> Iterator[Problem]:
    """Clips of the same audio of which different things are said, and clips that are there twice:
    once for each such row.
    """
    files = {path: _file(data / path) for path in {segment.path for segment in rows.values()}}
    of_file: dict[Hashable, list[tuple[int, Segment]]] = {}
    for line, segment in rows.items():
        of_file.setdefault(files[segment.path], []).append((line, segment))
    for clips in of_file.values():
        found: dict[int, Problem] = {}
        heard: list[tuple[int, Segment]] = []
        for line, segment in sorted(clips, key=lambda clip: _times(clip[1])[0]):
            begin, _ = _times(segment)
            heard = [clip for clip in heard if _times(clip[1])[1] > begin + _ROUNDED]
            for other in heard:
                (former, first), (later, second) = sorted([other, (line, segment)], key=_line)
                if _said(first) != _said(second) or _times(first) == _times(second):
                    what = _difference(former, first, second)
                    found.setdefault(later, Problem(AUDIO_TWICE, f"{table}:{later}", what))
            heard.append((line, segment))
        yield from (found[line] for line in sorted(found))


def _line(clip: tuple[int, Segment]) -> int:
    return clip[0]


def _times(segment: Segment) -> tuple[float, float]:
    return segment.start or 0.0, float("inf") if segment.end is None else segment.end


def _said(segment: Segment) -> tuple[str, ...]:
    """What is said of a clip, in words that are the same where they mean the same."""
    values = [getattr(segment, name) for name in _COMPARED]
    return common_label(values[0]), *values[1:]


def _difference(former: int, first: Segment, second: Segment) -> str:
    differ = [
        f"`{name}` is '{getattr(second, name)}' and there '{getattr(first, name)}'"
        for name, now, then in zip(_COMPARED, _said(second), _said(first), strict=True)
        if now != then
    ]
    where = f"'{second.path}'" + f" ('{first.path}')" * (first.path != second.path)
    return f"the same audio as in line {former}, {where}: {', '.join(differ) or 'twice'}"


def _file(path: Path) -> Hashable:
    """What all spellings of a file's path have in common.

    Of a file that is not there the plainest spelling, as where case and accents do not matter.
    """
    try:
        found = path.stat()
    except (OSError, ValueError):
        return unicodedata.normalize("NFC", os.path.normpath(path)).casefold()
    return found.st_dev, found.st_ino
