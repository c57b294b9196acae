"""What a perturbation can draw from, besides the clip itself."""

import dataclasses
import zlib
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


def generator(seed: int, clip: str, condition: str) -> np.random.Generator:
    """What a condition draws from for a clip: it depends on these three alone.

    Args:
        seed: Of a run.
        clip: The clip's id.
        condition: The condition's name.
    """
    return np.random.default_rng([seed, *(zlib.crc32(name.encode()) for name in (clip, condition))])
