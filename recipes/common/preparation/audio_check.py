"""Whether the audio of a manifest's segments is there and can be read."""

import collections
import tempfile
from collections.abc import Collection, Sequence
from pathlib import Path

from rich.console import Console

from keras_reparam._utils.progress import track
from recipes.common.manifest import Segment
from recipes.common.preparation.problems import MISSING_AUDIO, UNREADABLE_AUDIO, Problem
from recipes.common.store import layout
from recipes.common.store.index import Piece, Source, Unreadable, file_state, read_index, sources_of
from recipes.common.store.reading import read_clips


def check_audio(
    segments: Sequence[Segment], data: Path, store: Path, console: Console
) -> tuple[dict[Segment, float], list[Problem]]:
    """The segments whose audio is good, with their lengths in seconds, and what is wrong with the
    others, one problem per file.

    Every file is read to its end, as for the store: a header says little about a damaged file.
    What a store in the folder `store` was made from, and has not changed since, is good.
    """
    sources, unreadable = sources_of(segments, data)
    known = _known(store)
    unknown = [source for source in sources if source not in known]
    lengths = {source.id: known[source].length for source in sources if source in known}
    with tempfile.TemporaryDirectory() as scratch:
        for source, found in track(
            read_clips(unknown, data, Path(scratch)), "Checking audio", console, total=len(unknown)
        ):
            if isinstance(found, Unreadable):
                unreadable[source.id] = found
            else:
                lengths[source.id] = sum(map(len, found))
    good = {s: lengths[s.id] / layout.SAMPLE_RATE for s in segments if s.id in lengths}
    return good, _problems(unreadable.values(), data)


def _known(store: Path) -> dict[Source, Piece]:
    try:
        return read_index(store / layout.INDEX)
    except (OSError, ValueError):
        # None, or damaged.
        return {}


def _problems(unreadable: Collection[Unreadable], data: Path) -> list[Problem]:
    counts = collections.Counter((clip.path, clip.reason) for clip in unreadable)
    problems = []
    for (path, reason), count in counts.items():
        kind = MISSING_AUDIO if file_state(data / path) is None else UNREADABLE_AUDIO
        what = reason if count == 1 else f"{reason} ({count} segments)"
        problems.append(Problem(kind, str(data / path), what))
    return problems
