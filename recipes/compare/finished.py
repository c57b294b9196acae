"""Whether a finished run is of the cell under whose name it lies."""

from pathlib import Path
from typing import Any

from recipes.common.files.json_file import read_json
from recipes.common.names import TRAINING
from recipes.common.run_folder import RunFolder
from recipes.compare.planning.cell import Cell
from recipes.compare.planning.control_settings import CHANGES, MEASURED

CELL = "cell.json"


def differences(cell: Cell, path: Path) -> list[str]:
    """In words, what the files of a finished run have other than its cell.

    Args:
        cell: What should have run.
        path: The run's folder. `config.json` says what ran, `cell.json` what it was planned as, and
            the fold's `training.json` on which backend.
    """
    run = RunFolder(path)
    planned = cell.settings.model_dump(mode="json")
    ran = {**planned, **CHANGES[cell.control]}
    ran.pop(MEASURED.get(cell.control), None)
    trained = read_json(run.fold(cell.fold) / TRAINING, dict[str, Any])
    return [
        *_differences(ran, run.config()),
        *_differences(planned, read_json(path / CELL, dict[str, Any])["settings"]),
        *_differences({"backend": cell.backend}, trained),
    ]


def _differences(expected: dict[str, Any], found: dict[str, Any]) -> list[str]:
    return [
        f"`{name}` was {found[name]!r} and is {value!r}"
        if name in found
        else f"`{name}` is {value!r}, and was no setting yet"
        for name, value in expected.items()
        if name not in found or found[name] != value
    ]
