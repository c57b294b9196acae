"""The utterances of the annotation."""

import dataclasses
import re
import reprlib
from collections.abc import Iterator
from pathlib import Path

from recipes.common.preparation.problems import UNKNOWN_LABEL, Problem
from recipes.m3ed.problems import MALFORMED_ENTRY, WRONG_SPEAKER

# The annotation's words, lower case, in the order of its class numbers.
LABELS = ("happy", "neutral", "sad", "disgust", "anger", "fear", "surprise")
# Who speaks, where the published annotation or file name says otherwise.
SPEAKER_ERRATA = {"jimaofeishangtian_13_6": "B"}

# Becomes part of a path.
_MOVIE = re.compile(r"\w[\w-]*")
# Numbers have gaps, so they are read, not counted.
_NUMBER = re.compile(r"[0-9]{1,9}")


@dataclasses.dataclass(frozen=True)
class Utterance:
    """One utterance.

    Attributes:
        id: As in `"anjia_3_12"`: series, dialog, utterance.
        movie: The series, as in `"anjia"`.
        dialog: Number of the dialog.
        number: Number of the utterance in it.
        speaker: `"A"` or `"B"` of the dialog.
        sex: As the annotation has it, lower case; empty if it doesn't.
        label: One of `LABELS`.
        emotions: All of them, one or several, with a semicolon between.
        age: The speaker's age group, as the annotation has it, lower case; may be empty.
    """

    id: str
    movie: str
    dialog: int
    number: int
    speaker: str
    sex: str
    label: str
    emotions: str
    age: str


def read_utterances(annotation: dict, path: Path) -> tuple[list[Utterance], list[Problem]]:
    """The utterances in the annotation's order, and what is wrong with it.

    Args:
        annotation: Its content.
        path: Its file, for messages.
    """
    utterances, problems = [], []
    for found in _entries(annotation, path):
        if isinstance(found, Utterance):
            utterances.append(found)
        else:
            problems.append(found)
    return utterances, problems


def _entries(annotation: dict, path: Path) -> Iterator[Utterance | Problem]:
    for movie, dialogs in annotation.items():
        where = f"{path}: {movie!r}"
        if not _MOVIE.fullmatch(movie):
            yield _malformed(where, "a series' name of letters and digits", movie)
        elif not isinstance(dialogs, dict):
            yield _malformed(where, "dialogs by their names", dialogs)
        else:
            for name, content in dialogs.items():
                yield from _dialog(movie, name, content, f"{where}, {name!r}")


def _dialog(movie: str, name: str, content: object, where: str) -> Iterator[Utterance | Problem]:
    dialog = _number(name, movie)
    if dialog is None:
        yield _malformed(where, f"a name like {movie}_1", name)
        return
    spoken = content.get("Dialog") if isinstance(content, dict) else None
    if not isinstance(spoken, dict):
        yield _malformed(where, "'Dialog' with utterances by their names", content)
        return
    for utterance, about in spoken.items():
        place = f"{where}, {utterance!r}"
        number = _number(utterance, name)
        label = _label(about)
        if number is None:
            yield _malformed(place, f"a name like {name}_1", utterance)
        elif label is None or about.get("Speaker") not in ("A", "B"):
            expected = "'Speaker' A or B, and 'EmoAnnotation' with 'final_main_emo'"
            yield _malformed(place, expected, about)
        elif label.lower() not in LABELS:
            what = f"{reprlib.repr(label)} is none of {', '.join(LABELS)}"
            yield Problem(UNKNOWN_LABEL, place, what)
        else:
            speaker = SPEAKER_ERRATA.get(utterance, about["Speaker"])
            if speaker != about["Speaker"]:
                what = f"the annotation says {about['Speaker']}; {speaker} speaks"
                yield Problem(WRONG_SPEAKER, place, what)
            sex, age = (_about(content.get("SpeakerInfo"), speaker, n) for n in ("Gender", "Age"))
            own = (movie, dialog, number, speaker, sex, label.lower())
            yield Utterance(utterance, *own, _emotions(about, label), age)


def _number(name: str, prefix: str) -> int | None:
    """The number of a name "<prefix>_<number>"."""
    begin, _, number = name.rpartition("_")
    return int(number) if begin == prefix and _NUMBER.fullmatch(number) else None


def _label(utterance: object) -> str | None:
    emotions = utterance.get("EmoAnnotation") if isinstance(utterance, dict) else None
    # The other fields may hold several labels; this one decides.
    label = emotions.get("final_main_emo") if isinstance(emotions, dict) else None
    return label.strip() if isinstance(label, str) else None


def _emotions(utterance: dict, label: str) -> str:
    """All labels; the one that decides is among them, and alone where the others are not there."""
    found = utterance["EmoAnnotation"].get("final_mul_emo")
    words = re.split(r"[,\uff0c;/]", found) if isinstance(found, str) else []
    words = [word.strip().lower() for word in (label, *words)]
    return ";".join(dict.fromkeys(word for word in words if word in LABELS))


def _about(speakers: object, speaker: str, what: str) -> str:
    about = speakers.get(speaker) if isinstance(speakers, dict) else None
    found = about.get(what) if isinstance(about, dict) else None
    return found.strip().lower() if isinstance(found, str) else ""


def _malformed(where: str, expected: str, received: object) -> Problem:
    what = f"expected {expected}. Received: {reprlib.repr(received)}"
    return Problem(MALFORMED_ENTRY, where, what)
