"""Manifests: one CSV row per segment of speech, the same columns for every corpus."""

import csv
import dataclasses
import hashlib
import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from keras_reparam.audio import load
from recipes.common.files.rows import rows_as_csv, write_rows
from recipes.common.protocol.labels import is_value

SPLITS = ("train", "validation", "test")
# Seconds by which an end may lie behind its file's.
_ROUNDED = 0.05


@dataclasses.dataclass(frozen=True, kw_only=True)
class Segment:
    """One row of a manifest: a stretch of an audio file and what is known of it.

    Attributes:
        id: Unique name.
        path: Audio file, relative to the corpus's folder.
        start: Begin in seconds inside the file. `None`: its begin.
        end: End in seconds inside the file. `None`: its end.
        speaker: Who speaks.
        sex: The speaker's, as the corpus gives it.
        label: The corpus's own word, lower case.
        split: `"train"`, `"validation"` or `"test"`; empty where the corpus has folds alone.
        fold: Name of a cross-validation fold; empty where the corpus has splits alone.
        session: Recording session, if there are any.
        text_id: Which text is spoken, if that is known.
        more: What else a corpus says of it: names of further columns, and their cells.
        where: Where it was read, for messages.
    """

    id: str
    path: str
    start: float | None
    end: float | None
    speaker: str
    sex: str
    label: str
    split: str
    fold: str
    session: str
    text_id: str
    more: tuple[tuple[str, str], ...] = ()
    where: str = dataclasses.field(default="", compare=False)

    def cell(self, column: str) -> str | None:
        """What stands in a column; `None`: there is no such column."""
        return getattr(self, column) if column in COLUMNS else dict(self.more).get(column)


COLUMNS = tuple(
    field.name for field in dataclasses.fields(Segment) if field.name not in ("more", "where")
)


def manifest_hash(path: Path, target: str = "label") -> str:
    """SHA-256 of a manifest: by it a run's folder says which clips it is of.

    Of columns that not all manifests have, only that of the run's target counts.
    """
    segments = read_manifest(path)
    if not segments[0].more:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    columns = [*COLUMNS, *(name for name, _ in segments[0].more if name == target)]
    return hashlib.sha256(rows_as_csv(columns, map(_row, segments))).hexdigest()


def read_manifest(path: Path) -> list[Segment]:
    """The segments of a manifest, in its order.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If a column is missing, an id comes twice, a time is no number, or a row has
            no speaker or label.
    """
    if not path.is_file():
        raise FileNotFoundError(f"There is no manifest '{path}': a CSV with one row per clip.")
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file)
            missing = [name for name in COLUMNS if name not in (reader.fieldnames or ())]
            if missing:
                raise ValueError(
                    f"A manifest must have the columns {', '.join(COLUMNS)}. "
                    f"Received: '{path}' without {', '.join(missing)}"
                )
            more = [name for name in reader.fieldnames or () if name not in COLUMNS]
            segments = [_segment(row, more, f"'{path}', line {reader.line_num}") for row in reader]
    except (csv.Error, UnicodeDecodeError) as error:
        raise ValueError(f"'{path}' is no CSV file: {error}") from error
    if not segments:
        raise ValueError(f"A manifest must list at least one clip. Received: '{path}' with none")
    seen: set[str] = set()
    for segment in segments:
        if segment.id in seen:
            raise ValueError(f"Ids must be unique. Received: '{segment.id}' twice in '{path}'")
        seen.add(segment.id)
    return segments


def write_manifest(path: Path, segments: Iterable[Segment]) -> None:
    """Writes a manifest, whole or not at all; its folder is made if it isn't there."""
    path.parent.mkdir(parents=True, exist_ok=True)
    rows = [_row(segment) for segment in segments]
    # In the order in which they come first.
    columns = dict.fromkeys(name for row in rows for name in row)
    write_rows(path, columns or COLUMNS, rows)


def _row(segment: Segment) -> dict[str, Any]:
    return {name: getattr(segment, name) for name in COLUMNS} | dict(segment.more)


def _segment(row: dict, more: Sequence[str], where: str) -> Segment:
    # Where there are other columns, one of them may say what is true in the label's place.
    needed = ("id", "path", "speaker", *(() if more else ("label",)))
    for name in needed:
        if not row[name]:
            raise ValueError(f"Every row must have a value for `{name}`. Received: none in {where}")
    if row["label"] and not is_value(row["label"]):
        raise ValueError(f"`label` must be a class. Received: '{row['label']}' in {where}")
    if row["split"] not in ("", *SPLITS):
        raise ValueError(
            f"`split` must be one of {', '.join(SPLITS)}, or empty. "
            f"Received: '{row['split']}' in {where}"
        )
    times = {name: _seconds(row[name], name, where) for name in ("start", "end")}
    return Segment(
        **{name: times.get(name, row[name]) for name in COLUMNS},
        more=tuple((name, row[name] or "") for name in more if name),
        where=where,
    )


def _seconds(text: str | None, name: str, where: str) -> float | None:
    if not text:
        return None
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 <= value < math.inf:
        raise ValueError(
            f"`{name}` must be seconds from the file's begin, or empty. "
            f"Received: '{text}' in {where}"
        )
    return value


def limited(
    segments: Iterable[Segment], limit: int | None, *, by: tuple[str, ...]
) -> list[Segment]:
    """At most so many segments that are alike in the columns `by`; `None`: all of them.

    They are evenly spaced, so that what differs otherwise, such as speakers, comes along.
    """
    segments = list(segments)
    if limit is None:
        return segments
    alike: dict[tuple, list[Segment]] = {}
    for segment in segments:
        alike.setdefault(tuple(getattr(segment, name) for name in by), []).append(segment)
    kept = set()
    for found in alike.values():
        chosen = np.linspace(0, len(found) - 1, min(limit, len(found))).round().astype(int)
        kept |= {found[i].id for i in chosen}
    return [segment for segment in segments if segment.id in kept]


def by_split(segments: Iterable[Segment]) -> dict[str, list[Segment]]:
    """The segments of `"train"`, `"validation"` and `"test"`, speaker-independent.

    Raises:
        ValueError: If a split is empty, or a speaker is in two of them.
    """
    splits: dict[str, list[Segment]] = {name: [] for name in SPLITS}
    for segment in segments:
        if segment.split:
            splits[segment.split].append(segment)
    for name, found in splits.items():
        if not found:
            raise ValueError(f"The split '{name}' must hold at least one clip. Received: none")
    check_speakers(splits)
    return splits


class _Spoken(Protocol):
    speaker: str


def check_speakers(splits: Mapping[str, Iterable[_Spoken]]) -> None:
    """Raises a `ValueError` if any speaker is in more than one split.

    A model that has heard a speaker scores better on the speaker's other clips, so such a split
    would measure something else.
    """
    where: dict[str, str] = {}
    for split, segments in splits.items():
        for segment in segments:
            if where.setdefault(segment.speaker, split) != split:
                raise ValueError(
                    "Every speaker must be in one split alone. Received: speaker "
                    f"'{segment.speaker}' in both '{where[segment.speaker]}' and '{split}'"
                )


def sample_range(segment: Segment, length: int, *, sample_rate: int) -> tuple[int, int]:
    """First sample of a segment and the one after its last, in a file of `length` samples.

    An end up to 0.05 s behind the file's is the file's: annotations are rounded.

    Raises:
        ValueError: If the segment is empty, or not inside the file.
    """
    start = round((segment.start or 0) * sample_rate)
    end = length if segment.end is None else round(segment.end * sample_rate)
    if end <= length + round(_ROUNDED * sample_rate):
        end = min(end, length)
    if not start < end <= length:
        seconds = length / sample_rate
        last = seconds if segment.end is None else segment.end
        raise ValueError(
            f"`start` and `end` of '{segment.id}' must lie within its file, in this order. "
            f"Received: {segment.start or 0:.3f} s to {last:.3f} s of {seconds:.3f} s"
        )
    return start, end


def read_segment(segment: Segment, folder: Path, *, sample_rate: int) -> np.ndarray:
    """The segment's samples, mono float32, from its file in the corpus's folder."""
    samples = load(folder / segment.path, sample_rate=sample_rate)
    start, end = sample_range(segment, len(samples), sample_rate=sample_rate)
    return samples[start:end]
