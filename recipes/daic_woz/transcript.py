"""DAIC-WOZ's transcripts: `XXX_TRANSCRIPT.csv`, columns separated by tabs."""

import dataclasses
import math
from pathlib import Path

from recipes.common.preparation.problems import MALFORMED_LINE, Problem

COLUMNS = ("start_time", "stop_time", "speaker", "value")
INTERVIEWER, PARTICIPANT = "ellie", "participant"


@dataclasses.dataclass(frozen=True)
class Row:
    """One row of a transcript.

    Attributes:
        number: Of the row, from 1; the heading and blank lines do not count.
        start: Begin in seconds, as written.
        stop: End in seconds, as written.
        speaker: `"ellie"` or `"participant"`.
        text: What is said.
    """

    number: int
    start: float
    stop: float
    speaker: str
    text: str


def read_transcript(path: Path, name: str) -> tuple[list[Row], list[Problem]]:
    """The rows in the file's order, and the lines that are none.

    Not read by a CSV parser: quotation marks are part of what is said.

    Args:
        path: The file.
        name: What to call it in problems.
    """
    lines = path.read_text(encoding="utf-8-sig", errors="replace").split("\n")
    heading = tuple(cell.strip().lower() for cell in lines[0].strip().split("\t"))
    if heading != COLUMNS:
        what = f"expected the columns {', '.join(COLUMNS)}, found {lines[0].strip()!r}"
        return [], [Problem(MALFORMED_LINE, f"{name}:1", what)]
    rows, problems = [], []
    number = 0
    for line, text in enumerate(lines[1:], start=2):
        if not text.strip():
            continue
        number += 1
        try:
            rows.append(_row(number, text))
        except ValueError as error:
            problems.append(Problem(MALFORMED_LINE, f"{name}:{line}", str(error)))
    return rows, problems


def _row(number: int, line: str) -> Row:
    cells = [cell.strip() for cell in line.split("\t", len(COLUMNS) - 1)]
    if len(cells) < 3:
        raise ValueError(f"expected {len(COLUMNS)} cells with tabs between them, found {line!r}")
    start, stop = (_seconds(cell) for cell in cells[:2])
    speaker = cells[2].lower()
    if speaker not in (INTERVIEWER, PARTICIPANT):
        raise ValueError(f"the speaker must be Ellie or Participant, and is {cells[2]!r}")
    # The interviewer's times are never used.
    if speaker == PARTICIPANT and not 0 <= start < stop < math.inf:
        raise ValueError(f"expected a begin and a later end in seconds, found {cells[:2]}")
    return Row(number, start, stop, speaker, cells[3] if len(cells) > 3 else "")


def _seconds(cell: str) -> float:
    try:
        return float(cell)
    except ValueError:
        return math.nan
