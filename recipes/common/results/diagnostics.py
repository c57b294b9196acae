"""What could explain how a training went: gradient norms and singular values, epoch by epoch."""

import csv
import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from recipes.common.files.json_file import read_json
from recipes.common.files.rows import write_rows
from recipes.common.names import DIAGNOSTICS, SINGULAR_VALUES, TRAINING

_COLUMNS = ("epoch", "loss", "val_loss", "gradient_norm")
_RANK = "effective_rank:"


@dataclasses.dataclass(frozen=True)
class Diagnostics:
    """Of one training.

    Attributes:
        rows: One per epoch, from 1: `epoch`, `loss`, `val_loss` and `gradient_norm`, the mean over
            the epoch's steps of the norm of the gradient of all trained weights, before clipping.
        singular_values: Of each layer, by its path, those of its effective kernel, in falling
            order: before the first epoch (0), and after every epoch.
        chosen: The epoch whose weights were kept; `None` while it trains.
    """

    rows: Sequence[Mapping[str, float]]
    singular_values: Mapping[str, Sequence[np.ndarray]]
    chosen: int | None = None

    def up_to(self, epoch: int) -> "Diagnostics":
        """Without what came after an epoch."""
        values = {path: found[: epoch + 1] for path, found in self.singular_values.items()}
        return Diagnostics([row for row in self.rows if row["epoch"] <= epoch], values)


def effective_rank(singular_values: np.ndarray) -> float:
    """Exponential of the entropy of the singular values as shares of their sum; 0 of none.

    Between 1 and their number, which it is where all are equal.

    Reference:
        Roy & Vetterli, The effective rank, EUSIPCO 2007.
    """
    shares = singular_values[singular_values > 0].astype("float64")
    if not len(shares):
        return 0.0
    shares = shares / shares.sum()
    return float(np.exp(-(shares * np.log(shares)).sum()))


def six_digits(values: np.ndarray) -> np.ndarray:
    """What of them is written: a training that goes on from it ends with the same files."""
    return np.array([float(_text(value)) for value in values])


def write_diagnostics(folder: Path, found: Diagnostics) -> None:
    """Writes `diagnostics.csv`, with the layers' effective ranks, and `singular_values.csv`."""
    layers = found.singular_values
    epochs = range(max(map(len, layers.values())))
    rows = {row["epoch"]: row for row in found.rows}
    write_rows(
        folder / SINGULAR_VALUES,
        ("epoch", "layer", "singular_values"),
        (
            {"epoch": i, "layer": path, "singular_values": " ".join(map(_text, values[i]))}
            for i in epochs
            for path, values in layers.items()
        ),
    )
    ranks = (
        {_RANK + path: _text(effective_rank(values[i])) for path, values in layers.items()}
        for i in epochs
    )
    write_rows(
        folder / DIAGNOSTICS,
        (*_COLUMNS, *(_RANK + path for path in layers)),
        ({**rows.get(i, {"epoch": i}), **rank} for i, rank in enumerate(ranks)),
    )


def read_diagnostics(folder: Path) -> Diagnostics:
    """What a fold's folder has of them.

    Raises:
        FileNotFoundError: If it has none: the training ran without `diagnostics=true`.
        ValueError: If a file is damaged.
    """
    try:
        rows = [
            {name: float(row[name]) for name in _COLUMNS} | {"epoch": int(row["epoch"])}
            for row in _rows(folder / DIAGNOSTICS)
            if row["epoch"] != "0"
        ]
        values: dict[str, list[np.ndarray]] = {}
        for row in _rows(folder / SINGULAR_VALUES):
            found = np.array(row["singular_values"].split(), "float64")
            values.setdefault(row["layer"], []).append(found)
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"The diagnostics in '{folder}' can't be read: {error}") from error
    about = folder / TRAINING
    chosen = read_json(about, dict[str, Any])["chosen_epoch"] if about.exists() else None
    return Diagnostics(rows, values, chosen)


def _rows(path: Path) -> list[dict[str, str]]:
    if not path.is_file():
        raise FileNotFoundError(
            f"There is no '{path}': diagnostics are written by a training with diagnostics=true"
        )
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def _text(value: float) -> str:
    return f"{value:.6g}"
