"""`LatencyTable`: measured latencies of a model's parts at several widths."""

import dataclasses
import json
import os
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from keras_reparam._utils.files import checked_target, write_bytes
from keras_reparam._utils.validation import is_finite
from keras_reparam.pruning.staircase import costs_of_widths

_MEASURE = "python -m keras_reparam.benchmarks.latency_table measure"


@dataclasses.dataclass(frozen=True, kw_only=True)
class LatencyTable:
    """Latencies of one model's file and of its parts alone, at the steps of their widths.

    A part is named by what its latency depends on beside the width, such as
    `"feed_forward 64 -> n -> 64 at 100"`. The latency of the model with other widths is that of
    its file plus the differences of the parts' latencies: what a part costs around its products,
    alone in a file, falls out.

    Attributes:
        milliseconds: Of the model's own file.
        parts: The model's parts, each a pair of a name and its width.
        steps: For each name the widths that were measured, each with its milliseconds.
        measured: On what, and how: for the reader.

    Example:

    >>> table = LatencyTable(
    ...     milliseconds=1.0, parts=(("ffn", 4), ("ffn", 4)), steps={"ffn": ((2, 0.1), (4, 0.3))},
    ...     measured={},
    ... )
    >>> round(table.predicted([("ffn", 3), ("ffn", 2)]), 3)
    0.7
    """

    milliseconds: float
    parts: tuple[tuple[str, int], ...]
    steps: dict[str, tuple[tuple[int, float], ...]]
    measured: dict[str, Any]

    def __post_init__(self) -> None:
        parts = tuple((str(name), int(width)) for name, width in self.parts)
        steps = {
            name: tuple((int(width), float(latency)) for width, latency in sorted(rows))
            for name, rows in self.steps.items()
        }
        latencies = [self.milliseconds, *(x for rows in steps.values() for _, x in rows)]
        if not all(is_finite(x) and x > 0 for x in latencies):
            raise ValueError("A latency table must hold latencies greater than 0.")
        if any(width < 1 for rows in steps.values() for width, _ in rows) or not all(
            steps.get(name) for name, _ in parts
        ):
            raise ValueError("A latency table must hold a positive width for each of its parts.")
        object.__setattr__(self, "parts", parts)
        object.__setattr__(self, "steps", steps)

    @classmethod
    def load(cls, path: str | os.PathLike) -> "LatencyTable":
        """A table that `save` wrote.

        Raises:
            ValueError: If the file holds none.
        """
        try:
            found = json.loads(Path(path).read_text(encoding="utf-8"))
            return cls(**found)
        except (ValueError, TypeError, AttributeError) as error:
            raise ValueError(
                f"'{path}' is no latency table, which `{_MEASURE}` writes. ({error})"
            ) from None

    def save(self, path: str | os.PathLike) -> None:
        """Writes a small JSON file."""
        target = checked_target(path, ".json")
        write_bytes(target, (json.dumps(dataclasses.asdict(self), indent=1) + "\n").encode())

    def costs(self, name: str, groups: int) -> np.ndarray:
        """Milliseconds of the widths 1 to `groups` of a part; they never fall."""
        return costs_of_widths(self.steps[name], groups)

    def predicted(self, parts: Iterable[tuple[str, int]]) -> float:
        """Milliseconds of the file of a model with these parts."""
        return self.milliseconds + self._sum(parts) - self._sum(self.parts)

    def check_parts(self, parts: Sequence[tuple[str, int]]) -> None:
        """Raises a `ValueError` unless a model's parts are those of the table, or narrower ones."""
        mine, theirs = (Counter(name for name, _ in which) for which in (self.parts, parts))
        if mine != theirs:
            raise ValueError(
                "The latency table was measured for another model, with the parts "
                f"{_described(mine)}. Received: a model with {_described(theirs)}. Measure its own "
                f"with `{_MEASURE}`."
            )

    def _sum(self, parts: Iterable[tuple[str, int]]) -> float:
        return float(sum(self.costs(name, width)[-1] for name, width in parts))


def _described(parts: Counter) -> str:
    return ", ".join(f"{count} x '{name}'" for name, count in sorted(parts.items())) or "none"
