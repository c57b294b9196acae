"""DAIC-WOZ's segments: what the participants say, row by row."""

import dataclasses
from collections.abc import Collection, Sequence
from pathlib import Path

from keras_reparam.audio.reading import duration
from recipes.common.manifest import Segment
from recipes.common.preparation.problems import MISSING_AUDIO, Problem
from recipes.common.recipe import Prepared
from recipes.daic_woz.counts import counts_of
from recipes.daic_woz.errata import (
    CHATTER,
    ERRATA,
    INTERRUPTIONS,
    LABELS,
    OFFSETS,
    SCRUBBED,
    SYNC,
    is_scrubbed,
    is_sync,
)
from recipes.daic_woz.participants import Participant, read_participants
from recipes.daic_woz.transcript import INTERVIEWER, PARTICIPANT, Row, read_transcript

MISSING_TRANSCRIPT = "missing transcript"
BEHIND_THE_RECORDING = "row behind the recording's end"


def read(data: Path, *, no_erratum: Sequence[str] = ()) -> Prepared:
    """The rows that participants speak in, by session and row.

    Args:
        data: The corpus's folder.
        no_erratum: Names of errata that are not to be applied.

    Raises:
        FileNotFoundError: If a split file is not there.
        ValueError: If a split file has other columns, or there is no erratum of such a name.
    """
    unknown = set(no_erratum) - ERRATA.keys()
    if unknown:
        raise ValueError(
            f"Errata are {', '.join(ERRATA)}. Received: no_erratum={', '.join(sorted(unknown))}"
        )
    errata = ERRATA.keys() - set(no_erratum)
    participants, problems = read_participants(data)
    segments = []
    for participant in _labelled(participants, errata):
        found, wrong = _segments(data, participant, errata)
        segments += found
        problems += wrong
    relabelled = sum(f"label-{id}" in errata for id in LABELS)
    return Prepared(segments, counts_of(segments, relabelled=relabelled), problems)


def _labelled(participants: list[Participant], errata: Collection[str]) -> list[Participant]:
    right = {id: label for id, label in LABELS.items() if f"label-{id}" in errata}
    return [dataclasses.replace(p, label=right.get(p.id, p.label)) for p in participants]


def _segments(
    data: Path, participant: Participant, errata: Collection[str]
) -> tuple[list[Segment], list[Problem]]:
    id = participant.id
    folder = _folder(data, id)
    audio, transcript = f"{folder}/{id}_AUDIO.wav", f"{folder}/{id}_TRANSCRIPT.csv"
    if not (data / transcript).is_file():
        if (data / audio).is_file():
            return [], [Problem(MISSING_TRANSCRIPT, transcript, "there is no such file")]
        return [], [Problem(MISSING_AUDIO, folder, "there is no such session")]
    rows, problems = read_transcript(data / transcript, transcript)
    length = _seconds(data / audio)
    segments = []
    for row in usable(rows, id, errata):
        if row.start >= length:
            what = f"row {row.number} begins at {row.start:.3f} s of {length:.3f} s"
            problems.append(Problem(BEHIND_THE_RECORDING, transcript, what))
            continue
        # What is cut by the end of the recording is used as far as it goes.
        segments.append(
            Segment(
                id=f"{id}_{row.number}",
                path=audio,
                start=row.start,
                end=min(row.stop, length),
                speaker=id,
                sex=participant.sex,
                label=participant.label,
                split=participant.split,
                fold="",
                session=id,
                text_id="",
                more=(("phq8", participant.score),),
            )
        )
    return segments, problems


def _folder(data: Path, id: str) -> str:
    """Of a session; its ZIP may have been unpacked into a folder of its own name."""
    outer = f"{id}_P"
    inner = f"{outer}/{outer}"
    names = f"{id}_TRANSCRIPT.csv", f"{id}_AUDIO.wav"
    in_outer = any((data / outer / name).is_file() for name in names)
    return inner if not in_outer and (data / inner).is_dir() else outer


def usable(rows: Sequence[Row], session: str, errata: Collection[str]) -> list[Row]:
    """The participant's rows, without those that the errata drop, at the times they give."""
    if CHATTER in errata:
        rows = _interview(rows)
    rows = [row for row in rows if row.speaker == PARTICIPANT]
    if SYNC in errata:
        rows = [row for row in rows if not is_sync(row.text)]
    if SCRUBBED in errata:
        rows = [row for row in rows if not is_scrubbed(row.text)]
    if f"offset-{session}" in errata:
        rows = [_later(row, OFFSETS[session]) for row in rows]
    if f"interruption-{session}" in errata:
        begin, end = INTERRUPTIONS[session]
        rows = [row for row in rows if row.stop <= begin or row.start >= end]
    return rows


def _interview(rows: Sequence[Row]) -> Sequence[Row]:
    """The rows from the interviewer's first one on; all rows where the interviewer has none."""
    for index, row in enumerate(rows):
        if row.speaker == INTERVIEWER and not is_sync(row.text):
            return rows[index:]
    return rows


def _later(row: Row, seconds: float) -> Row:
    # Transcripts have milliseconds, the offsets at most seven digits.
    start, stop = (round(time + seconds, 7) for time in (row.start, row.stop))
    return dataclasses.replace(row, start=start, stop=stop)


def _seconds(audio: Path) -> float:
    """Length of an audio file; infinite where it can't be read, which is reported elsewhere."""
    try:
        return duration(audio)
    except (ValueError, OSError):
        return float("inf")
