"""A stretch of an audio file."""

import dataclasses
import math
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from keras_reparam.audio import load


@dataclasses.dataclass(frozen=True, order=True)
class ClipFile:
    """An audio file, or the stretch of it from `start` to `end` seconds.

    Attributes:
        path: The file.
        start: Begin in seconds inside the file.
        end: End in seconds inside the file; infinity: its end.
    """

    path: Path
    start: float = 0.0
    end: float = math.inf

    @classmethod
    def of_row(cls, row: Mapping[str, str | None], folder: Path) -> "ClipFile":
        """What a CSV's row names by `path`, and by `start` and `end` where it has them.

        Raises:
            ValueError: If a time is no number of seconds, or the end does not follow the start.
        """
        path = folder / (row["path"] or "")
        try:
            start, end = (
                float(row.get(name) or empty) for name, empty in (("start", 0), ("end", math.inf))
            )
        except ValueError:
            start = end = math.nan
        if not 0 <= start < end:
            raise ValueError(
                "`start` and `end` must be seconds in the file, in this order, or empty. Received: "
                f"'{row.get('start')}' and '{row.get('end')}' of '{path}'"
            )
        return cls(path, start, end)

    def load(self, *, window: int, sample_rate: int) -> np.ndarray:
        """Its first `window` samples, followed by zeros if there are fewer.

        Raises:
            ValueError: If it begins after the file's end.
        """
        samples = load(self.path, sample_rate=sample_rate)
        first = round(self.start * sample_rate)
        if first >= len(samples) > 0:
            raise ValueError(
                f"A clip must begin before the end of its file. Received: start={self.start:g} of "
                f"'{self.path}', which ends at {len(samples) / sample_rate:g} s"
            )
        last = len(samples) if math.isinf(self.end) else round(self.end * sample_rate)
        samples = samples[first : min(last, first + window)]
        return np.pad(samples, (0, window - len(samples)))
