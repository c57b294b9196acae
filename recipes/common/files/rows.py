"""CSV files that are there whole or not at all."""

import csv
import io
from collections.abc import Iterable, Mapping
from pathlib import Path

from keras_reparam._utils.files import write_bytes


def write_rows(path: Path, columns: Iterable[str], rows: Iterable[Mapping]) -> None:
    """Writes a CSV, whole or not at all. Names of files may be no UTF-8: their bytes stay."""
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    write_bytes(path, text.getvalue().encode("utf-8", "surrogateescape"))
