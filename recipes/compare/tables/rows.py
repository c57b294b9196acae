"""CSV files whose rows are dataclasses of pydantic."""

import csv
import dataclasses
from collections.abc import Iterable
from pathlib import Path
from typing import Any, TypeVar

import pydantic

from recipes.common.files.former_names import new_name
from recipes.common.files.rows import write_rows

Row = TypeVar("Row")


def write_dataclasses(path: Path, kind: type, rows: Iterable[Any]) -> None:
    """Writes one line per row, whole or not at all; `read_dataclasses` gives the same back.

    Columns are the attributes of `kind` in their order, those of its `SPARSE` where any row has
    one. `None` is an empty cell.
    """
    rows = list(rows)
    for row in rows:
        if not isinstance(row, kind):
            raise TypeError(f"Rows of '{path.name}' must be {kind.__name__}. Received: {row!r}")
    sparse = getattr(kind, "SPARSE", ())
    names = [
        field.name
        for field in dataclasses.fields(kind)
        if field.name not in sparse or any(getattr(row, field.name) is not None for row in rows)
    ]
    write_rows(
        path, names, ({name: _written(getattr(row, name)) for name in names} for row in rows)
    )


def read_dataclasses(path: Path, kind: type[Row]) -> list[Row]:
    """What `write_dataclasses` wrote, under former names of columns too; others are passed over.

    A column whose attribute has a default may be missing: earlier versions wrote none.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is no CSV file, a column is missing, or a value is not what it must be;
            the line and the column are named.
    """
    fields = {field.name: field for field in dataclasses.fields(kind)}
    # Where nothing is written, nothing is known: only columns that allow for it have that.
    optional = {name for name, field in fields.items() if _allows_none(field.type)}
    rows = []
    try:
        with path.open(newline="", encoding="utf-8") as file:
            reader = csv.DictReader(file, strict=True)
            # The heading is read here, and its names are those of the rows.
            reader.fieldnames = [new_name(name) for name in reader.fieldnames or ()]
            names = [name for name in fields if name in reader.fieldnames]
            missing = [
                name for name in fields if name not in names and not _has_default(fields[name])
            ]
            if missing:
                raise ValueError(
                    f"The columns must be {', '.join(fields)}. Received: '{path}' without "
                    f"{', '.join(missing)}"
                )
            for row in reader:
                where = f"'{path}', line {reader.line_num}"
                if None in row or None in row.values():
                    raise ValueError(
                        f"Every row must have a value for every column. Received: {where}"
                    )
                given = {
                    name: None if name in optional and not row[name] else row[name]
                    for name in names
                }
                rows.append(_parsed(kind, given, where))
    except (csv.Error, UnicodeDecodeError) as error:
        raise ValueError(f"'{path}' is no CSV file: {error}") from error
    return rows


def _has_default(field: dataclasses.Field) -> bool:
    return field.default is not dataclasses.MISSING


def _allows_none(kind: Any) -> bool:
    try:
        pydantic.TypeAdapter(kind).validate_python(None)
    except pydantic.ValidationError:
        return False
    return True


def _written(value: Any) -> Any:
    # As many digits as reading it back takes; 2, not 2.0.
    return repr(value).removesuffix(".0") if isinstance(value, float) else value


def _parsed(kind: type[Row], given: dict[str, Any], where: str) -> Row:
    try:
        return kind(**given)
    except pydantic.ValidationError as error:
        first = error.errors()[0]
        name = str(first["loc"][0]) if first["loc"] else None
        column = f"`{name}`: " if name else ""
        received = f" Received: {name}='{given[name]}'" if name in given else ""
        raise ValueError(f"{where}: {column}{first['msg']}.{received}") from None
