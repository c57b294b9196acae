"""A recipe's settings from a file and the command line."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeVar

import pydantic
import yaml

Settings = TypeVar("Settings", bound=pydantic.BaseModel)


class _Loader(yaml.SafeLoader):
    """YAML in which 1e-5 is a number, as JSON and YAML 1.2 have it."""


_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float", re.compile(r"[-+]?\d+(\.\d*)?[eE][-+]?\d+$"), list("-+0123456789")
)


def load_settings(kind: type[Settings], file: Path | None, overrides: Sequence[str]) -> Settings:
    """The settings of a file, with those of the command line in their place, checked.

    Args:
        kind: Which they are, as a recipe's.
        file: YAML, or JSON as a run folder has it; `None`: the recipe's defaults.
        overrides: As in `["epochs=20", "backbone=conformer"]`; values are read as YAML.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If a setting is unknown or can't be; all of them are named.
    """
    values = {} if file is None else _read(file)
    for override in overrides:
        name, sign, text = override.partition("=")
        if not sign:
            raise ValueError(f"Settings are given as name=value. Received: {override!r}")
        values[name] = _parsed(text, f"`{name}`")
    return checked(kind, values)


def checked(kind: type[Settings], values: dict[str, Any]) -> Settings:
    """`kind(**values)`.

    Raises:
        ValueError: If a setting is unknown or can't be; all of them are named.
    """
    try:
        return kind.model_validate(values)
    except pydantic.ValidationError as error:
        known = ", ".join(kind.model_fields)
        raise ValueError("; ".join(_mistakes(error, known))) from None


def _mistakes(error: pydantic.ValidationError, known: str) -> list[str]:
    found = []
    for mistake in error.errors(include_url=False):
        name = ".".join(map(str, mistake["loc"]))
        if mistake["type"] == "extra_forbidden":
            found.append(f"There is no setting `{name}`. Settings are {known}")
            continue
        what = mistake["msg"].removeprefix("Value error, ").replace("Input should", "must")
        # What is said of all settings together names them itself.
        found.append(f"`{name}` {what}. Received: {name}={mistake['input']!r}" if name else what)
    return found


def _read(file: Path) -> dict[str, Any]:
    if not file.is_file():
        raise FileNotFoundError(f"There is no file of settings '{file}'.")
    values = _parsed(file.read_text(encoding="utf-8"), f"'{file}'")
    if not isinstance(values, dict):
        raise ValueError(f"'{file}' must hold lines `name: value`. Received: {values!r:.80}")
    return values


def _parsed(text: str, where: str) -> Any:
    try:
        return yaml.load(text, _Loader)
    except yaml.YAMLError as error:
        raise ValueError(f"{where} must be YAML. Received: {error}") from error
