"""The CSV of one's own corpus."""

import csv
import unicodedata
from pathlib import Path

from recipes.common.files.rows import delimiter_of
from recipes.common.preparation.problems import MALFORMED_LINE, Problem

OPTIONAL = ("id", "split", "fold", "start", "end", "sex", "session", "text_id")
KNOWN = ("path", "label", "speaker", *OPTIONAL)
# What audformat calls them.
_AUDFORMAT = {"file": "path", "emotion": "label", "gender": "sex"}


def required(target: str) -> tuple[str, ...]:
    """The columns that must be there, and have a value in every row."""
    return tuple(dict.fromkeys(("path", target, "speaker")))


def find_table(data: Path) -> Path:
    """The only CSV in a folder.

    Raises:
        FileNotFoundError: If there is none.
        ValueError: If there are several.
    """
    found = sorted(path for path in data.glob("*.csv") if not path.name.startswith("."))
    if not found:
        raise FileNotFoundError(
            f"There is no *.csv in '{data}': a row per clip, with the columns "
            f"{', '.join(required('label'))}, and if you like {', '.join(OPTIONAL)}. If it lies "
            "elsewhere, name it (--csv FILE)."
        )
    if len(found) > 1:
        names = ", ".join(path.name for path in found)
        raise ValueError(
            f"Which CSV lists the clips? Name it (--csv FILE). Received: '{data}' with {names}"
        )
    return found[0]


def read_table(
    path: Path, target: str = "label"
) -> tuple[list[tuple[int, dict[str, str]]], list[Problem]]:
    """Rows with their line numbers, cells by column (empty where a column isn't there; further
    columns behind), and lines that do not fit the heading.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it isn't a CSV in UTF-8, or a column is missing or comes twice.
    """
    if not path.is_file():
        raise FileNotFoundError(f"There is no file '{path}' that lists the clips.")
    rows, problems = [], []
    with path.open(newline="", encoding="utf-8-sig") as file:
        reader = csv.reader(file, strict=True, delimiter=delimiter_of(path))
        try:
            heading = _heading(next(reader, []), path, target)
            for cells in reader:
                if not any(cell.strip() for cell in cells):
                    continue
                if len(cells) != len(heading):
                    what = f"expected {len(heading)} cells as in the heading, found {len(cells)}"
                    where = f"{path}:{reader.line_num}"
                    problems.append(Problem(MALFORMED_LINE, where, what))
                    continue
                named = dict(zip(heading, map(_plain, heading, cells), strict=True))
                known = {name: named.pop(name, "") for name in KNOWN}
                rows.append((reader.line_num, known | _once(named, heading)))
        except (csv.Error, UnicodeDecodeError) as error:
            raise ValueError(
                f"'{path}' must be a CSV with commas, in UTF-8 (or with semicolons or tabs). "
                "Received, after line "
                f"{reader.line_num}: {error}"
            ) from error
    return rows, problems


def _once(named: dict[str, str], heading: list[str]) -> dict[str, str]:
    """The cells of columns that have a name of their own."""
    return {name: cell for name, cell in named.items() if name and heading.count(name) == 1}


def _plain(name: str, cell: str) -> str:
    # A file is found by the bytes of its name alone.
    return cell.strip() if name == "path" else unicodedata.normalize("NFC", cell.strip())


def _heading(cells: list[str], path: Path, target: str) -> list[str]:
    heading = [cell.strip().lower() for cell in cells]
    heading = [
        name if _AUDFORMAT.get(name, name) in heading else _AUDFORMAT.get(name, name)
        for name in heading
    ]
    known = [name for name in heading if name in {*KNOWN, target}]
    missing = [name for name in required(target) if name not in heading]
    if missing or len(known) != len(set(known)):
        wrong = f"no column {', '.join(missing)}" if missing else "a column that comes twice"
        raise ValueError(
            f"The first line must name the columns {', '.join(required(target))}, and may name "
            f"{', '.join(OPTIONAL)}. Received: {wrong} in '{path}', line 1: {','.join(cells)}"
        )
    return heading
