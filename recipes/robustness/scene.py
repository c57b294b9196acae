"""What a perturbation can draw from, besides the clip itself."""

import dataclasses
from collections.abc import Callable

import numpy as np


@dataclasses.dataclass(frozen=True)
class Scene:
    """Of one clip in one condition.

    Attributes:
        rate: Samples per second.
        rng: What is drawn at random comes from it.
        voices: Gives clips of so many other people, as far as there are so many; else some of the
            same people.
        recording: Gives a recording of a kind, such as `"cough"`.
    """

    rate: int
    rng: np.random.Generator
    voices: Callable[[int], list[np.ndarray]]
    recording: Callable[[str], np.ndarray]
