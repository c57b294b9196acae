"""EmoDB's clips in folds of speakers."""

import csv
from collections.abc import Sequence
from pathlib import Path

from recipes.common.manifest import Segment, limited, read_manifest
from recipes.common.protocol.examples import examples_of
from recipes.common.protocol.fold import Fold
from recipes.common.tasks.classes import Classes
from recipes.quantization.settings import Settings


def manifest_of(data: Path) -> Path:
    """EmoDB's table of clips in the folder `data`, or a `FileNotFoundError`."""
    for name in ("emodb/emodb.csv", "emodb4.csv"):
        if (data / name).is_file():
            return data / name
    raise FileNotFoundError(
        f"There is no 'emodb/emodb.csv' in '{data}': a CSV with the columns path, speaker, sex, "
        "emotion, text_id, and the paths relative to it. --short needs no data of your own."
    )


def segments_of(settings: Settings) -> list[Segment]:
    """The clips that the settings name, with paths relative to the table's folder."""
    manifest = manifest_of(settings.data)
    segments = _emodb(manifest) if manifest.name == "emodb.csv" else read_manifest(manifest)
    return limited(segments, settings.limit, by=("speaker", "label"))


def labels_of(segments: Sequence[Segment]) -> tuple[str, ...]:
    """Class names, in the order of the classes."""
    return tuple(sorted({segment.label for segment in segments}))


def folds_of(segments: Sequence[Segment], count: int) -> list[Fold]:
    """Every speaker is held out once, and nobody validates.

    Raises:
        ValueError: If there are too few speakers, or an emotion does not occur in training.
    """
    labels = labels_of(segments)
    examples = examples_of(segments, Classes(labels))
    folds = []
    for number, speakers in enumerate(speaker_folds(segments, count), start=1):
        train = tuple(e for e in examples if e.speaker not in speakers)
        missing = set(labels) - {labels[e.label] for e in train}
        if missing:
            raise ValueError(
                f"Every emotion must occur in training. Received: no {sorted(missing)} without "
                f"the speakers {', '.join(speakers)}"
            )
        held_out = tuple(e for e in examples if e.speaker in speakers)
        folds.append(Fold(name=str(number), train=train, validation=(), tests={"test": held_out}))
    return folds


def speaker_folds(segments: Sequence[Segment], folds: int) -> tuple[tuple[str, ...], ...]:
    """The speakers dealt out in turn, first those of one sex: every fold has as many of each."""
    speakers = sorted({(segment.sex, segment.speaker) for segment in segments})
    if len(speakers) < 2 * folds:
        raise ValueError(
            f"Every fold needs two speakers at least. Received: {len(speakers)} speakers for "
            f"folds={folds}"
        )
    return tuple(tuple(speaker for _, speaker in speakers[i::folds]) for i in range(folds))


def _emodb(table: Path) -> list[Segment]:
    with table.open(newline="", encoding="utf-8-sig") as file:
        reader = csv.DictReader(file)
        wanted = ("path", "speaker", "sex", "emotion", "text_id")
        missing = [name for name in wanted if name not in (reader.fieldnames or ())]
        if missing:
            raise ValueError(f"'{table}' has no column {', '.join(missing)}.")
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
