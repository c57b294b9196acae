"""CREMA-D's segments: its clips, whose names say all about them but the actor's sex."""

import re
from collections.abc import Mapping
from pathlib import Path

from recipes.common.manifest import Segment
from recipes.common.preparation.clips import UNKNOWN_NAME, clips_by_name
from recipes.common.preparation.problems import UNKNOWN_LABEL, Problem
from recipes.common.recipe import Prepared
from recipes.crema_d.actors import FOLD_OF, SEXES
from recipes.crema_d.ages import read_ages
from recipes.crema_d.counts import counts_of
from recipes.crema_d.flagged import FLAGGED
from recipes.crema_d.names import EMOTIONS, LEVELS, PATTERN
from recipes.crema_d.votes import read_votes

# As the corpus is distributed, and as FLAC; the folder `crema_d` or the one that holds it.
FOLDERS = ("AudioWAV", "audio", "crema_d/AudioWAV", "crema_d/audio")


def read(data: Path) -> Prepared:
    """The clips by name, without the flagged ones; five folds of actors.

    Args:
        data: The corpus's folder.

    Raises:
        FileNotFoundError: If there are no clips.
    """
    clips, problems = clips_by_name(data, FOLDERS, PATTERN, title="CREMA-D")
    segments, left_out, ages, votes = [], [], read_ages(data), read_votes(data)
    for match, path in clips:
        problem = _problem(match, path)
        if problem:
            problems.append(problem)
        else:
            segment = _segment(match, path, ages, votes)
            (left_out if match.string in FLAGGED else segments).append(segment)
    return Prepared(segments, counts_of(segments, left_out), problems)


def _problem(match: re.Match, path: str) -> Problem | None:
    if match["emotion"] not in EMOTIONS:
        what = f"expected one of {' '.join(EMOTIONS)}, found {match['emotion']}"
        return Problem(UNKNOWN_LABEL, path, what)
    if match["actor"] not in SEXES:
        return Problem(
            UNKNOWN_NAME, path, f"expected an actor from 1001 to 1091, found {match['actor']}"
        )
    return None


def _segment(
    match: re.Match, path: str, ages: Mapping[str, str], votes: Mapping[str, str]
) -> Segment:
    actor = match["actor"]
    # The clip whose name ends with a single X has two in the crowd's table.
    heard = votes.get(match.string) or votes.get(f"{match.string}X", "")
    return Segment(
        id=match.string,
        path=path,
        start=None,
        end=None,
        speaker=actor,
        sex=SEXES[actor],
        label=EMOTIONS[match["emotion"]],
        split="",
        fold=FOLD_OF[actor],
        session="",
        text_id=match["sentence"],
        more=(
            ("age", ages.get(actor, "")),
            ("intensity", LEVELS.get(match["level"], "")),
            ("votes", heard),
        ),
    )
