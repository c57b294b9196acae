"""CSV files: written whole or not at all; and what separates the cells of others'."""

import csv
import io
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Literal

from keras_reparam._utils.files import write_bytes


def write_rows(path: Path, columns: Iterable[str], rows: Iterable[Mapping]) -> None:
    """Writes a CSV, whole or not at all. Names of files may be no UTF-8: their bytes stay."""
    write_bytes(path, rows_as_csv(columns, rows, extra="raise"))


def rows_as_csv(
    columns: Iterable[str],
    rows: Iterable[Mapping],
    *,
    extra: Literal["raise", "ignore"] = "ignore",
) -> bytes:
    """Bytes of a CSV of these columns; what else rows have is passed over, or an error."""
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, list(columns), extrasaction=extra, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode("utf-8", "surrogateescape")


def delimiter_of(path: Path) -> str:
    """What separates the heading's cells most often: a comma, a semicolon or a tab."""
    with path.open("rb") as file:
        heading = file.readline()
    return max(",;\t", key=lambda delimiter: heading.count(delimiter.encode()))
