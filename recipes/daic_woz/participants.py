"""DAIC-WOZ's participants, from the four files at its root, three of which head columns alike."""

import csv
import dataclasses
import re
from collections.abc import Iterator
from pathlib import Path

from recipes.common.preparation.problems import MALFORMED_LINE, UNKNOWN_LABEL, Problem

# The corpus's development split is a manifest's validation split.
LABELLED = {
    "train_split_Depression_AVEC2017.csv": "train",
    "dev_split_Depression_AVEC2017.csv": "validation",
    "full_test_split.csv": "test",
}
# Who is in the test split, without labels: it came before the other one.
UNLABELLED = "test_split_Depression_AVEC2017.csv"

PARTICIPANT_TWICE = "participant twice"

_ID, _LABEL, _GENDER, _SCORE = "participant_id", "phq_binary", "gender", "phq_score"
_SEXES = {"0": "female", "1": "male"}
_HIGHEST = 24
_NUMBER = re.compile(r"[0-9]{1,6}")


@dataclasses.dataclass(frozen=True)
class Participant:
    """Who was interviewed.

    Attributes:
        id: Of the participant, and of the session.
        split: `"train"`, `"validation"` or `"test"`.
        label: `"1"`: a PHQ-8 score of at least 10, by the file. `"0"`: less.
        sex: `"female"` or `"male"`, which the files number 0 and 1.
        score: PHQ-8, 0 to 24, as the file has it; empty if it does not.
    """

    id: str
    split: str
    label: str
    sex: str
    score: str = ""


def read_participants(data: Path) -> tuple[list[Participant], list[Problem]]:
    """The participants in the order of their numbers, and what is wrong with the files' rows.

    Raises:
        FileNotFoundError: If one of the labelled files is not there.
        ValueError: If a file has not the columns.
    """
    missing = [name for name in LABELLED if not (data / name).is_file()]
    if missing:
        raise FileNotFoundError(
            f"DAIC-WOZ's folder must hold {', '.join(LABELLED)}, and a folder XXX_P for each "
            f"session. Received: '{data}' without {', '.join(missing)}"
        )
    participants: dict[str, Participant] = {}
    problems = []
    for name, split in LABELLED.items():
        for where, cells in _rows(data / name, (_ID, _LABEL, _GENDER)):
            problem = _problem(cells, where, participants)
            if problem:
                problems.append(problem)
            else:
                id, gender = cells[_ID], cells[_GENDER]
                sex = _SEXES.get(gender, gender.lower())
                participants[id] = Participant(id, split, cells[_LABEL], sex, cells.get(_SCORE, ""))
    if (data / UNLABELLED).is_file():
        for where, cells in _rows(data / UNLABELLED, (_ID,)):
            known = participants.get(cells[_ID])
            if known is None:
                what = f"participant {cells[_ID]} is labelled in none of {', '.join(LABELLED)}"
                problems.append(Problem(UNKNOWN_LABEL, where, what))
            elif known.split != "test":
                what = f"participant {known.id} is listed for the {known.split} split, too"
                problems.append(Problem(PARTICIPANT_TWICE, where, what))
    return sorted(participants.values(), key=lambda person: int(person.id)), problems


def _rows(path: Path, wanted: tuple[str, ...]) -> Iterator[tuple[str, dict[str, str]]]:
    """Where a row is, and its cells by the column's name in the plainest spelling."""
    # Labels are digits: damaged bytes elsewhere in a row do not matter.
    with path.open(newline="", encoding="utf-8-sig", errors="replace") as file:
        reader = csv.reader(file)
        try:
            heading = [_plain(name) for name in next(reader, [])]
            missing = [name for name in wanted if name not in heading]
            if missing:
                raise ValueError(
                    f"'{path}' must have the columns {', '.join(wanted)} (in any case, PHQ8 or "
                    f"PHQ). Received: {', '.join(heading) or 'an empty file'}"
                )
            for cells in reader:
                if any(cell.strip() for cell in cells):
                    padded = [*cells, *[""] * (len(heading) - len(cells))]
                    row = {k: v.strip() for k, v in zip(heading, padded, strict=False)}
                    yield f"{path.name}:{reader.line_num}", row
        except csv.Error as error:
            raise ValueError(f"'{path}', line {reader.line_num} is no CSV: {error}") from error


def _plain(name: str) -> str:
    return name.strip().lower().replace("phq8", "phq")


def _problem(cells: dict[str, str], where: str, known: dict) -> Problem | None:
    id, label = cells[_ID], cells[_LABEL]
    if not _NUMBER.fullmatch(id):
        return Problem(MALFORMED_LINE, where, f"expected a participant's number, found {id!r}")
    if id in known:
        what = f"participant {id} is listed for the {known[id].split} split, too"
        return Problem(PARTICIPANT_TWICE, where, what)
    score = cells.get(_SCORE, "")
    if score and not (_NUMBER.fullmatch(score) and int(score) <= _HIGHEST):
        what = f"expected a score from 0 to {_HIGHEST}, found {score!r}"
        return Problem(MALFORMED_LINE, where, what)
    if label not in ("0", "1"):
        return Problem(UNKNOWN_LABEL, where, f"expected 0 or 1, found {label!r}")
    return None
