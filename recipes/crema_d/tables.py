"""The tables that CREMA-D is published with."""

import csv
from collections.abc import Sequence
from pathlib import Path

# In the corpus's folder, or the one that holds it, as the repository has them.
_FOLDERS = ("", "processedResults", "crema_d", "crema_d/processedResults")


def rows_beside(data: Path, file: str, columns: Sequence[str]) -> list[tuple[str, dict[str, str]]]:
    """Rows of a table, each with where it stands; none if the table is not there.

    Args:
        data: The corpus's folder.
        file: Name of the table.
        columns: Those that it must have.

    Raises:
        ValueError: If one is missing.
    """
    paths = (data / folder / file for folder in _FOLDERS)
    path = next((path for path in paths if path.is_file()), None)
    if path is None:
        return []
    with path.open(newline="", encoding="utf-8-sig") as table:
        reader = csv.DictReader(table)
        missing = [name for name in columns if name not in (reader.fieldnames or ())]
        if missing:
            raise ValueError(
                f"'{path}' must have the columns {', '.join(map(repr, columns))}. Received: none "
                f"called {', '.join(map(repr, missing))}"
            )
        return [
            (f"'{path}', line {reader.line_num}", {name: row[name] or "" for name in columns})
            for row in reader
        ]
