"""The clips of one fold, where there is no other."""

import dataclasses
import hashlib
import json

from recipes.common.manifest import Segment
from recipes.common.protocol.fold import Fold
from recipes.common.protocol.task import Task


@dataclasses.dataclass(frozen=True)
class Clips:
    """The clips, and what is done with them.

    Attributes:
        task: What is to be told of them.
        segments: All clips.
        fold: Who trains, validates and tests.
    """

    task: Task
    segments: list[Segment]
    fold: Fold

    @property
    def digest(self) -> str:
        """Stands for who is in which split, and how often each clip is heard."""
        told = [
            (split, example.id, example.label, example.times)
            for split, examples in self.fold.splits.items()
            for example in examples
        ]
        return hashlib.sha256(json.dumps(told).encode()).hexdigest()
