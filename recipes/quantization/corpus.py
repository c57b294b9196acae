"""EmoDB's clips in folds of speakers."""

import csv
import dataclasses
from collections import Counter
from pathlib import Path

from rich.console import Console

from recipes.common.features import Clip, read_clips
from recipes.common.manifest import Segment, check_speakers, read_manifest
from recipes.quantization.settings import Settings


@dataclasses.dataclass(frozen=True)
class Corpus:
    """Clips, the class names in the order of the classes, and each fold's speakers."""

    labels: tuple[str, ...]
    clips: list[Clip]
    folds: tuple[tuple[str, ...], ...]

    def held_out(self, fold: int) -> list[int]:
        """Indices of the clips of the fold's speakers."""
        return [i for i, c in enumerate(self.clips) if c.segment.speaker in self.folds[fold]]

    def training(self, fold: int) -> list[int]:
        """Indices of all other speakers' clips."""
        return [i for i, c in enumerate(self.clips) if c.segment.speaker not in self.folds[fold]]


def manifest_of(data: Path) -> Path:
    """EmoDB's table of clips in the folder `data`, or a `FileNotFoundError`."""
    for name in ("emodb/emodb.csv", "emodb4.csv"):
        if (data / name).is_file():
            return data / name
    raise FileNotFoundError(
        f"There is no 'emodb/emodb.csv' in '{data}': a CSV with the columns path, speaker, sex, "
        "emotion, text_id, and the paths relative to it. --short needs no data of your own."
    )


def load_corpus(settings: Settings, console: Console) -> Corpus:
    """Reads the audio; no speaker is both held out and trained on, or a `ValueError`."""
    manifest = manifest_of(settings.data)
    segments = _limited(_segments(manifest), settings.limit)
    labels = tuple(sorted({segment.label for segment in segments}))
    folds = speaker_folds(segments, settings.folds)
    for held_out in folds:
        training = [s for s in segments if s.speaker not in held_out]
        check_speakers(
            {"training": training, "held out": [s for s in segments if s.speaker in held_out]}
        )
        missing = set(labels) - {s.label for s in training}
        if missing:
            raise ValueError(
                f"Every emotion must occur in training. Received: no {sorted(missing)} without "
                f"the speakers {', '.join(held_out)}"
            )
    return Corpus(labels, read_clips(segments, manifest.parent, labels, console), folds)


def speaker_folds(segments: list[Segment], folds: int) -> tuple[tuple[str, ...], ...]:
    """The speakers dealt out in turn, first those of one sex: every fold has as many of each."""
    speakers = sorted({(segment.sex, segment.speaker) for segment in segments})
    if len(speakers) < 2 * folds:
        raise ValueError(
            f"Every fold needs two speakers at least. Received: {len(speakers)} speakers for "
            f"folds={folds}"
        )
    return tuple(tuple(speaker for _, speaker in speakers[i::folds]) for i in range(folds))


def _segments(manifest: Path) -> list[Segment]:
    if manifest.name != "emodb.csv":
        return read_manifest(manifest)
    with manifest.open(newline="", encoding="utf-8-sig") as file:
        reader = csv.DictReader(file)
        wanted = ("path", "speaker", "sex", "emotion", "text_id")
        missing = [name for name in wanted if name not in (reader.fieldnames or ())]
        if missing:
            raise ValueError(f"'{manifest}' has no column {', '.join(missing)}.")
        return [
            Segment(
                id=Path(row["path"]).stem,
                path=row["path"],
                start=None,
                end=None,
                speaker=row["speaker"],
                sex=row["sex"],
                label=row["emotion"],
                split="",
                fold="",
                session="",
                text_id=row["text_id"],
            )
            for row in reader
        ]


def _limited(segments: list[Segment], limit: int | None) -> list[Segment]:
    if limit is None:
        return segments
    seen: Counter = Counter()
    kept = []
    for segment in segments:
        key = segment.speaker, segment.label
        seen[key] += 1
        if seen[key] <= limit:
            kept.append(segment)
    return kept
