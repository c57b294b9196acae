"""The quickstart's clips."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from rich.console import Console

from recipes.common.corpus_facts import CorpusFacts
from recipes.common.features import Clip, read_clips
from recipes.common.manifest import SPLITS, Segment, by_split, read_manifest
from recipes.crema_d.about import FACTS as CREMA_D
from recipes.crema_d.manifest import read as read_crema_d
from recipes.emodb.about import FACTS as EMODB
from recipes.quickstart.settings import Settings

# CREMA-D has sixteen times as many training clips: EmoDB's are heard four times in an epoch.
_EMODB_TIMES = 4
# As the recipe of CREMA-D divides its actors in its first fold.
_SPLITS = {"1": "test", "2": "validation"}


@dataclasses.dataclass(frozen=True)
class Corpus:
    """The clips of each split, and where they are from.

    Attributes:
        labels: Class names, in the order of the classes.
        sources: The corpora.
        source_of: Title of a clip's corpus, by the clip's id.
        train: The training clips.
        validation: The clips that choose the epoch.
        test: The clips that are held out.
    """

    labels: tuple[str, ...]
    sources: tuple[CorpusFacts, ...]
    source_of: dict[str, str]
    train: list[Clip]
    validation: list[Clip]
    test: list[Clip]

    def splits(self) -> dict[str, list[Clip]]:
        """The clips by the split's name."""
        return {"train": self.train, "validation": self.validation, "test": self.test}

    def by_source(self, clips: Sequence[Clip]) -> dict[str, list[int]]:
        """Indices into `clips` by the title of their corpus."""
        titles = [self.source_of[clip.segment.id] for clip in clips]
        return {
            source.title: [i for i, title in enumerate(titles) if title == source.title]
            for source in self.sources
        }

    def heard(self) -> list[int]:
        """Indices into `train`, as often as an epoch hears the clips."""
        if len(self.sources) == 1:
            return list(range(len(self.train)))
        times = {EMODB.title: _EMODB_TIMES}
        return [
            i
            for title, indices in self.by_source(self.train).items()
            for i in indices
            for _ in range(times.get(title, 1))
        ]


def load_corpus(settings: Settings, console: Console) -> Corpus:
    """Reads the manifest and the audio. No speaker is in two splits, or a `ValueError`."""
    found = {EMODB: (settings.data, read_manifest(settings.data / "emodb4.csv"))}
    labels = tuple(sorted({segment.label for segment in found[EMODB][1]}))
    if settings.crema_d is not None:
        found[CREMA_D] = (settings.crema_d, _crema_d(settings.crema_d, labels))
    source_of, clips = {}, []
    for source, (folder, segments) in found.items():
        chosen = [
            segment
            for part in by_split(segments).values()
            for segment in _limited(part, settings.limit)
        ]
        source_of |= {segment.id: source.title for segment in chosen}
        clips += read_clips(chosen, folder, labels, console)
    by_name = {name: [clip for clip in clips if clip.segment.split == name] for name in SPLITS}
    missing = set(labels) - {clip.segment.label for clip in by_name["train"]}
    if missing:
        raise ValueError(f"Every emotion must occur in training. Received: no {sorted(missing)}")
    return Corpus(labels, tuple(found), source_of, **by_name)


def _crema_d(folder: Path, labels: Sequence[str]) -> list[Segment]:
    prepared = read_crema_d(folder)
    if prepared.problems:
        raise ValueError(
            f"CREMA-D in '{folder}' must be as it is published. Received: "
            f"{len(prepared.problems)} problems; `python -m recipes crema_d prepare` lists them"
        )
    return [
        dataclasses.replace(segment, split=_SPLITS.get(segment.fold, "train"))
        for segment in prepared.segments
        if segment.label in labels
    ]


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
