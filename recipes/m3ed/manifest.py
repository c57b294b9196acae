"""From M3ED's annotation to segments."""

from pathlib import Path

from keras_reparam.audio.reading import duration
from recipes.common.manifest import Segment
from recipes.common.preparation.problems import Problem
from recipes.common.recipe import Prepared
from recipes.m3ed.counts import counts_of
from recipes.m3ed.files import AUDIO, SPLITS, read_annotation, read_splits
from recipes.m3ed.problems import EMPTY_AUDIO, MISSING_SPLIT
from recipes.m3ed.utterances import SPEAKER_ERRATA, Utterance, read_utterances


def read(data: Path) -> Prepared:
    """All utterances that have audio, sorted by series, dialog and utterance number.

    Raises:
        FileNotFoundError: If the annotation or a list of series isn't in `data`.
        ValueError: If there are two of either, or a series is in two lists.
    """
    splits = read_splits(data)
    path, annotation = read_annotation(data)
    utterances, problems = read_utterances(annotation, path)
    for movie in dict.fromkeys(u.movie for u in utterances if u.movie not in splits):
        lists = ", ".join(f"movie_list_{name}.txt" for name in SPLITS)
        problems.append(Problem(MISSING_SPLIT, f"{path}: {movie!r}", f"is in none of {lists}"))
    listed = [utterance for utterance in utterances if utterance.movie in splits]
    listed.sort(key=lambda utterance: (utterance.movie, utterance.dialog, utterance.number))
    segments = []
    for utterance in listed:
        segment = _segment(utterance, _audio(utterance, data), splits[utterance.movie])
        if _has_no_samples(data / segment.path):
            where, what = str(data / segment.path), "no samples, as published; left out"
            problems.append(Problem(EMPTY_AUDIO, where, what))
        else:
            segments.append(segment)
    return Prepared(segments, counts_of(utterances, segments, splits), problems)


def _audio(utterance: Utterance, data: Path) -> str:
    """The utterance's file, relative to the corpus's folder."""
    path = f"{AUDIO}/{utterance.speaker}_{utterance.id}.wav"
    if utterance.id in SPEAKER_ERRATA and not (data / path).exists():
        # Named by the speaker that the erratum corrects.
        other = {"A": "B", "B": "A"}[utterance.speaker]
        named = f"{AUDIO}/{other}_{utterance.id}.wav"
        return named if (data / named).exists() else path
    return path


def _has_no_samples(path: Path) -> bool:
    try:
        return path.stat().st_size == 0 or duration(path) == 0
    except (OSError, ValueError):
        # Missing or no audio: all corpora's audio is checked for that later on.
        return False


def _segment(utterance: Utterance, path: str, split: str) -> Segment:
    return Segment(
        id=utterance.id,
        path=path,
        start=None,
        end=None,
        speaker=f"{utterance.movie}_{utterance.speaker}",
        sex=utterance.sex,
        label=utterance.label,
        split=split,
        fold="",
        session=utterance.movie,
        text_id=utterance.id.rpartition("_")[0],
        more=(("emotions", utterance.emotions), ("age", utterance.age)),
    )
