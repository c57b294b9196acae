"""One of those that are compared."""

import dataclasses
from pathlib import Path

from recipes.baselines.listeners import Kind


@dataclasses.dataclass(frozen=True, kw_only=True)
class Contestant:
    """One that tells emotions apart, ready to be run.

    Attributes:
        name: As in `--only`.
        title: In tables.
        kind: How it is run.
        path: Its `.tflite` file, or the folder of its training.
        artifact: The file whose content it depends on.
        parameters: Weights that it is made of.
        size: Bytes that a user must have of it, besides Python and its runtime.
    """

    name: str
    title: str
    kind: Kind
    path: Path
    artifact: Path
    parameters: int
    size: int
