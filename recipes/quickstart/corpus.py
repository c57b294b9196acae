"""The quickstart's clips."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path

from recipes.common.corpus_facts import CorpusFacts
from recipes.common.manifest import Segment, by_split, limited, read_manifest
from recipes.common.protocol.examples import examples_of
from recipes.common.protocol.fold import Example, Fold
from recipes.common.protocol.folds import OFFICIAL
from recipes.crema_d.about import FACTS as CREMA_D
from recipes.crema_d.manifest import read as read_crema_d
from recipes.emodb.about import FACTS as EMODB
from recipes.quickstart.settings import MANIFEST, Settings

# CREMA-D has sixteen times as many training clips: EmoDB's are heard four times in an epoch.
_EMODB_TIMES = 4
# As the recipe of CREMA-D divides its actors in its first fold.
_SPLITS = {"1": "test", "2": "validation"}


@dataclasses.dataclass(frozen=True)
class Clips:
    """The clips, and where they are from.

    Attributes:
        labels: Class names, in the order of the classes.
        sources: The corpora.
        segments: All clips, with whole paths.
        fold: Who trains, validates and tests.
    """

    labels: tuple[str, ...]
    sources: tuple[CorpusFacts, ...]
    segments: list[Segment]
    fold: Fold

    @property
    def facts(self) -> CorpusFacts:
        """The corpora as one, for the card of the model."""
        first, *others = self.sources
        if not others:
            return first
        # What all licenses begin with is said once.
        shared = first.license.split(". ")[0] + ". "
        terms = (f"{s.title}: {s.license.removeprefix(shared)}" for s in self.sources)
        languages = _joined(s.language for s in self.sources)
        return CorpusFacts(
            title=_joined(s.title for s in self.sources),
            source=", and ".join(s.source for s in self.sources),
            task=f"Emotions in {languages} acted speech",
            language=languages,
            acted=True,
            speech=". ".join(f"{s.title}: {s.speech}" for s in self.sources),
            recordings=_joined(f"{s.title} {s.recordings}" for s in self.sources),
            license=shared + " ".join(terms),
            # Its golden clips are of the first one.
            shareable=first.shareable,
        )


def load_clips(settings: Settings) -> Clips:
    """Reads the manifests. No speaker is in two splits, or a `ValueError`."""
    segments = read_manifest(settings.data / MANIFEST)
    labels = tuple(sorted({segment.label for segment in segments}))
    found = {EMODB: _chosen(segments, settings.data, settings.limit)}
    if settings.crema_d is not None:
        folder = settings.crema_d
        found[CREMA_D] = _chosen(_crema_d(folder, labels), folder, settings.limit)
    examples = [e for source, clips in found.items() for e in _examples(source, clips, labels)]
    splits: dict[str, tuple[Example, ...]] = {
        split: tuple(e for e in examples if e.segments[0].split == split)
        for split in ("train", "validation", "test")
    }
    if settings.crema_d is not None:
        times = {EMODB.title: _EMODB_TIMES}
        splits["train"] = tuple(
            dataclasses.replace(e, times=times.get(e.corpus, 1)) for e in splits["train"]
        )
    missing = set(labels) - {labels[example.label] for example in splits["train"]}
    if missing:
        raise ValueError(f"Every emotion must occur in training. Received: no {sorted(missing)}")
    fold = Fold(
        name=OFFICIAL,
        train=splits["train"],
        validation=splits["validation"],
        tests={"test": splits["test"]},
    )
    return Clips(labels, tuple(found), [e.segments[0] for e in examples], fold)


def _chosen(segments: Sequence[Segment], folder: Path, limit: int | None) -> list[Segment]:
    found = [segment for split in by_split(segments).values() for segment in split]
    return [
        # Clips of two folders go into one store.
        dataclasses.replace(segment, path=str(folder.resolve() / segment.path))
        for segment in limited(found, limit, by=("split", "label"))
    ]


def _examples(source: CorpusFacts, segments: Sequence[Segment], labels: Sequence[str]):
    for example in examples_of(segments, labels):
        yield dataclasses.replace(example, corpus=source.title)


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


def _joined(texts) -> str:
    return " and ".join(texts)
