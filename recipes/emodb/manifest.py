"""EmoDB's segments: its clips, whose names say all about them."""

import re
from pathlib import Path

from recipes.common.manifest import Segment
from recipes.common.preparation.clips import UNKNOWN_NAME, clips_by_name
from recipes.common.preparation.problems import UNKNOWN_LABEL, Problem
from recipes.common.recipe import Prepared
from recipes.emodb.counts import counts_of
from recipes.emodb.names import AGES, EMOTIONS, PATTERN, SEXES

# As the corpus is distributed, and as FLAC; the folder `emodb` or the one that holds it.
FOLDERS = ("wav", "audio", "emodb/wav", "emodb/audio")


def read(data: Path) -> Prepared:
    """The clips by name; a fold is a speaker.

    Args:
        data: The corpus's folder.

    Raises:
        FileNotFoundError: If there are no clips.
    """
    clips, problems = clips_by_name(data, FOLDERS, PATTERN, title="EmoDB")
    segments = []
    for match, path in clips:
        speaker, emotion = match["speaker"], match["emotion"]
        if emotion not in EMOTIONS:
            what = f"expected one of the letters {' '.join(EMOTIONS)}, found {emotion}"
            problems.append(Problem(UNKNOWN_LABEL, path, what))
        elif speaker not in SEXES:
            what = f"expected one of the speakers {' '.join(SEXES)}, found {speaker}"
            problems.append(Problem(UNKNOWN_NAME, path, what))
        else:
            segments.append(_segment(match, path))
    return Prepared(segments, counts_of(segments), problems)


def _segment(match: re.Match, path: str) -> Segment:
    speaker = match["speaker"]
    return Segment(
        id=match.string,
        path=path,
        start=None,
        end=None,
        speaker=speaker,
        sex=SEXES[speaker],
        label=EMOTIONS[match["emotion"]],
        split="",
        fold=speaker,
        session="",
        text_id=match["text"],
        more=(("age", str(AGES[speaker])),),
    )
