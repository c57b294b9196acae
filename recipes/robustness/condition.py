"""One thing that is done to all clips."""

import dataclasses
from collections.abc import Callable

import numpy as np

from recipes.common.perturbations.codecs import Codec
from recipes.robustness.marks import Family
from recipes.robustness.scene import Scene


@dataclasses.dataclass(frozen=True, kw_only=True)
class Condition:
    """One thing that is done to all clips.

    Attributes:
        name: As in `--tests`.
        family: Whose marks hold for it.
        what: In words.
        apply: Gives the changed samples.
        least_rate: Samples per second that it makes sense from.
        codec: Which codec it needs.
        recordings: Of what it needs recordings, which nobody can make up.
        others: Whether it needs clips of other people.
    """

    name: str
    family: Family
    what: str
    apply: Callable[[np.ndarray, Scene], np.ndarray]
    least_rate: int = 0
    codec: Codec | None = None
    recordings: str | None = None
    others: bool = False
