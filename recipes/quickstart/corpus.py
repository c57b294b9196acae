"""The quickstart's clips."""

from recipes.common.manifest import by_split, limited, read_manifest
from recipes.common.protocol.clips import Clips
from recipes.common.protocol.examples import examples_of
from recipes.common.protocol.fold import Fold
from recipes.common.protocol.folds import OFFICIAL
from recipes.common.tasks.classes import Classes
from recipes.quickstart.settings import MANIFEST, Settings


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
    task = Classes(labels)
    train, validation, test = (examples_of(found, task) for found in splits.values())
    fold = Fold(name=OFFICIAL, train=train, validation=validation, tests={"test": test})
    return Clips(task, [segment for found in splits.values() for segment in found], fold)
