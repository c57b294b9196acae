"""The quickstart's clips."""

import dataclasses

import numpy as np
from rich.console import Console

from recipes.common.features import Clip, read_clips
from recipes.common.manifest import Segment, by_split, read_manifest
from recipes.quickstart.settings import Settings


@dataclasses.dataclass(frozen=True)
class Corpus:
    """The clips of each split, and the class names in the order of the classes."""

    labels: tuple[str, ...]
    train: list[Clip]
    validation: list[Clip]
    test: list[Clip]

    def splits(self) -> dict[str, list[Clip]]:
        """The clips by the split's name."""
        return {"train": self.train, "validation": self.validation, "test": self.test}


def load_corpus(settings: Settings, console: Console) -> Corpus:
    """Reads the manifest and the audio. No speaker is in two splits, or a `ValueError`."""
    splits = by_split(read_manifest(settings.data / "emodb4.csv"))
    labels = tuple(sorted({s.label for segments in splits.values() for s in segments}))
    chosen = {name: _limited(segments, settings.limit) for name, segments in splits.items()}
    missing = set(labels) - {s.label for s in chosen["train"]}
    if missing:
        raise ValueError(f"Every emotion must occur in training. Received: no {sorted(missing)}")
    segments = [segment for found in chosen.values() for segment in found]
    clips = read_clips(segments, settings.data, labels, console)
    by_name = {name: [clip for clip in clips if clip.segment.split == name] for name in chosen}
    return Corpus(labels, **by_name)


def _limited(segments: list[Segment], limit: int | None) -> list[Segment]:
    """At most `limit` segments of each label, evenly spaced, so that all speakers come along."""
    if limit is None:
        return segments
    kept = []
    for label in sorted({segment.label for segment in segments}):
        found = [segment for segment in segments if segment.label == label]
        count = min(limit, len(found))
        kept += [found[i] for i in np.linspace(0, len(found) - 1, count).round().astype(int)]
    return kept
