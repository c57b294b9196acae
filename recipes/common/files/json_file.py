"""JSON files that are there whole or not at all."""

import json
from pathlib import Path
from typing import Any, TypeVar

import pydantic
import pydantic_core

from keras_reparam._utils.files import write_bytes

Kind = TypeVar("Kind")


def write_json(path: Path, content: Any) -> None:
    """Writes `content`, in which dataclasses may be, whole or not at all.

    Floats keep all their digits, so that `read_json` gives the same back.

    Raises:
        ValueError: If JSON has no form for something in it, such as for what is not a number.
    """
    plain = pydantic_core.to_jsonable_python(content)
    text = json.dumps(plain, indent=1, ensure_ascii=False, allow_nan=False) + "\n"
    write_bytes(path, text.encode("utf-8"))


def read_json(path: Path, kind: type[Kind]) -> Kind:
    """What `write_json` wrote, as a `kind`: a dataclass, or a type such as `dict[str, Results]`.

    Keys that a dataclass does not have are passed over.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it holds something else.
    """
    try:
        return pydantic.TypeAdapter(kind).validate_python(
            json.loads(path.read_text(encoding="utf-8"))
        )
    except ValueError as error:
        raise ValueError(f"'{path}' can't be read: {error}") from error
