"""Names that earlier versions wrote: their files are still read."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

# Files and folders.
_FORMER_FILES = {"planned.json": "cell.json", "finished": "cells", "runs.csv": "cells.csv"}
# Keys of JSON files and of a grid, columns of tables.
_NEW_NAMES = {
    "cell": "run",
    "cells": "runs",
    "control": "ablation",
    "controls": "ablations",
    "also": "include",
    "part": "split",
}


def existing(folder: Path, name: str) -> Path:
    """The path `name` in `folder`, or, where there is none, under its former name if there is."""
    former = folder.joinpath(*(_FORMER_FILES.get(part, part) for part in name.split("/")))
    return former if former.exists() and not (folder / name).exists() else folder / name


def new_name(name: str) -> str:
    """What a key or column is called now."""
    return _NEW_NAMES.get(name, name)


def with_new_names(content: Mapping[str, Any]) -> dict[str, Any]:
    """The same content under the names of now; what it includes, too.

    Raises:
        ValueError: If something has both its former and its present name.
    """
    for former, name in _NEW_NAMES.items():
        if former in content and name in content:
            raise ValueError(f"Give `{name}` alone. Received: `{former}`, its former name, too")
    renamed = {new_name(name): value for name, value in content.items()}
    if isinstance(included := renamed.get("include"), list | tuple):
        renamed["include"] = [
            with_new_names(each) if isinstance(each, Mapping) else each for each in included
        ]
    return renamed
