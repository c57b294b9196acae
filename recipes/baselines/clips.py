"""Who trains, validates and tests: the shipped model's own speakers."""

import dataclasses
import hashlib
import json
from pathlib import Path

from recipes.common.manifest import Segment, limited
from recipes.common.protocol.fold import Fold
from recipes.joint.recipe import RECIPE as JOINT


@dataclasses.dataclass(frozen=True)
class Clips:
    """The clips of four emotions.

    Attributes:
        labels: Class names, in the order of the classes.
        segments: All clips.
        fold: Who trains, validates and tests.
    """

    labels: tuple[str, ...]
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


def load_clips(data: Path, limit: int | None = None) -> Clips:
    """Reads both corpora's names.

    Args:
        data: The folder that holds `emodb` and `crema_d`.
        limit: At most so many clips of each emotion, of a fold of CREMA-D and a speaker of EmoDB.

    Raises:
        FileNotFoundError: If there are no clips of one of them.
        ValueError: If the clips are not as they are published, or a split is empty.
    """
    prepared, settings = JOINT.read(data), JOINT.settings()
    if prepared.problems:
        raise ValueError(
            f"The clips in '{data}' must be as they are published. Received: "
            f"{len(prepared.problems)} problems; `python -m recipes joint prepare` lists them"
        )
    segments = limited(prepared.segments, limit, by=("fold", "label"))
    labels = JOINT.labels_of(settings, segments)
    (fold,) = JOINT.folds_of(segments, settings)
    used = [example.segments[0] for split in fold.splits.values() for example in split]
    return Clips(labels, used, fold)
