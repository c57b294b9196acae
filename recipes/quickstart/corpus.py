"""The quickstart's clips."""

import dataclasses

from recipes.common.manifest import Segment, by_split, limited, read_manifest
from recipes.common.protocol.examples import examples_of
from recipes.common.protocol.fold import Fold
from recipes.common.protocol.folds import OFFICIAL
from recipes.quickstart.settings import MANIFEST, Settings


@dataclasses.dataclass(frozen=True)
class Clips:
    """The clips, and what is done with them.

    Attributes:
        labels: Class names, in the order of the classes.
        segments: All clips.
        fold: Who trains, validates and tests.
    """

    labels: tuple[str, ...]
    segments: list[Segment]
    fold: Fold


def load_clips(settings: Settings) -> Clips:
    """Reads the manifest. No speaker is in two splits, or a `ValueError`."""
    segments = read_manifest(settings.data / MANIFEST)
    labels = tuple(sorted({segment.label for segment in segments}))
    splits = {
        split: limited(found, settings.limit, by=("label",))
        for split, found in by_split(segments).items()
    }
    missing = set(labels) - {segment.label for segment in splits["train"]}
    if missing:
        raise ValueError(f"Every emotion must occur in training. Received: no {sorted(missing)}")
    train, validation, test = (examples_of(found, labels) for found in splits.values())
    fold = Fold(name=OFFICIAL, train=train, validation=validation, tests={"test": test})
    return Clips(labels, [segment for found in splits.values() for segment in found], fold)
