"""Who trains, validates and tests: the shipped model's own speakers."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path

from recipes.common.manifest import Segment, limited
from recipes.common.protocol.examples import examples_of
from recipes.common.protocol.fold import Example, Fold
from recipes.common.protocol.folds import OFFICIAL
from recipes.common.protocol.labels import FOUR_CLASSES
from recipes.crema_d.about import FACTS as CREMA_D
from recipes.crema_d.manifest import read as read_crema_d
from recipes.emodb.about import FACTS as EMODB
from recipes.emodb.manifest import read as read_emodb

# By EmoDB's speakers and by CREMA-D's folds of actors; all others train.
_SPLITS = {
    **{"03": "test", "08": "test", "11": "validation", "13": "validation"},
    **{"1": "test", "2": "validation"},
}
# How often an epoch hears a training clip: CREMA-D has thirteen times as many.
_TIMES = {EMODB.title: 4, CREMA_D.title: 1}


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


def load_clips(data: Path, limit: int | None = None) -> Clips:
    """Reads both corpora's names.

    Args:
        data: The folder that holds `emodb` and `crema_d`.
        limit: At most so many clips of each speaker and emotion.

    Raises:
        FileNotFoundError: If there are no clips of one of them.
        ValueError: If a split is empty.
    """
    found = {EMODB: read_emodb(data).segments, CREMA_D: read_crema_d(data).segments}
    splits: dict[str, list[Example]] = {"train": [], "validation": [], "test": []}
    for source, segments in found.items():
        for example in examples_of(_limited(segments, limit), FOUR_CLASSES):
            split = _SPLITS.get(example.segments[0].fold, "train")
            times = _TIMES[source.title] if split == "train" else 1
            splits[split].append(dataclasses.replace(example, corpus=source.title, times=times))
    fold = Fold(
        name=OFFICIAL,
        train=tuple(splits["train"]),
        validation=tuple(splits["validation"]),
        tests={"test": tuple(splits["test"])},
    )
    segments = [example.segments[0] for split in splits.values() for example in split]
    return Clips(FOUR_CLASSES, segments, fold)


def _limited(segments: Sequence[Segment], limit: int | None) -> list[Segment]:
    return limited(segments, limit, by=("speaker", "label"))
