"""Which clips are classified, and what else there is to hear."""

import dataclasses
import functools
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import numpy as np

from keras_reparam.audio.clip_listing import find_clips
from recipes.common.manifest import Segment, limited, read_manifest, read_segment
from recipes.common.protocol.examples import cross_corpus_examples
from recipes.common.protocol.labels import common_label, plain_word
from recipes.common.tasks.classes import Classes
from recipes.robustness.conditions import RECORDINGS

_MOST_NAMED = 3


@dataclasses.dataclass(frozen=True, kw_only=True)
class Clips:
    """What is heard.

    Attributes:
        read: `read(segment, sample_rate=...)`: its samples. It can be pickled.
        segments: What is classified.
        truth: The class of each, as index into the model's labels.
        left_out: Number of clips whose label the model does not have, by label.
        speech: Clips by speaker: what a babble is made of.
        recordings: Files by their kind, as far as there are any.
    """

    read: Callable[..., np.ndarray]
    segments: list[Segment]
    truth: list[int]
    left_out: dict[str, int]
    speech: dict[str, list[Segment]]
    recordings: dict[str, list[Path]]


def find(
    manifest: Path,
    data: Path,
    labels: Sequence[str],
    *,
    folds: Sequence[str] = (),
    splits: Sequence[str] = (),
    limit: int | None = None,
    recordings: Path | None = None,
) -> Clips:
    """The clips of a manifest whose label a model has.

    Args:
        manifest: As recipes write it.
        data: Folder with its audio.
        labels: The model's classes; they and the manifest's words are compared by their common
            names (`common/protocol/labels.py`).
        folds: Only clips of these folds; none: of all.
        splits: Only clips of these splits; none: of all.
        limit: At most so many clips of each class and speaker.
        recordings: Folder with folders called as `RECORDINGS`.

    Raises:
        FileNotFoundError: If the manifest, a folder, or audio of a chosen clip is not there.
        ValueError: If nothing is left, or no clip is of any of the model's classes.
    """
    if not data.is_dir():
        raise FileNotFoundError(f"There is no folder of clips '{data}'")
    found = read_manifest(manifest)
    kept = _of(_of(found, "fold", folds), "split", splits)
    names = [common_label(label) for label in labels]
    if len(set(names)) < len(names):
        # Two classes of the model are one to others: its own words tell them apart.
        names = [plain_word(label) for label in labels]
    examples, left_out = cross_corpus_examples(kept, Classes(tuple(names)))
    classes = {example.id: example.label for example in examples}
    segments = [segment for segment in kept if segment.id in classes]
    segments = limited(segments, limit, by=("label", "speaker"))
    missing = [s.path for s in segments if not (data / s.path).is_file()]
    if missing:
        named = ", ".join(f"'{path}'" for path in missing[:_MOST_NAMED])
        raise FileNotFoundError(
            f"`--data` must be the folder with the manifest's audio. Received: '{data}' without "
            f"{len(missing):,} of {len(segments):,} files, such as {named}"
        )
    return Clips(
        read=functools.partial(read_segment, folder=data),
        segments=segments,
        truth=[classes[segment.id] for segment in segments],
        left_out=left_out,
        speech=by_speaker(s for s in found if (data / s.path).is_file()),
        recordings={} if recordings is None else _recordings(recordings),
    )


def by_speaker(segments: Iterable[Segment]) -> dict[str, list[Segment]]:
    """The segments by who speaks."""
    speech: dict[str, list[Segment]] = {}
    for segment in segments:
        speech.setdefault(segment.speaker, []).append(segment)
    return speech


def _of(segments: Sequence[Segment], column: str, values: Sequence[str]) -> list[Segment]:
    """The segments that have one of these values; all of them for no values."""
    there = {getattr(segment, column) for segment in segments} - {""}
    unknown = [value for value in values if value not in there]
    if unknown:
        raise ValueError(
            f"`--{column}` must be one of the manifest's: {', '.join(sorted(there)) or 'none'}. "
            f"Received: {', '.join(unknown)}"
        )
    return [s for s in segments if not values or getattr(s, column) in values]


def _recordings(folder: Path) -> dict[str, list[Path]]:
    if not folder.is_dir():
        raise FileNotFoundError(f"There is no folder of recordings '{folder}'")
    there = [kind for kind in RECORDINGS if (folder / kind).is_dir()]
    if not there:
        raise FileNotFoundError(
            f"`--recordings` must hold some of the folders {', '.join(RECORDINGS)}. "
            f"Received: '{folder}' with none of them"
        )
    return {kind: [Path(clip.path) for clip in find_clips(folder / kind)] for kind in there}
