"""DAIC-WOZ: who is depressed, decided per participant; dev and test are both read."""

from collections.abc import Iterable, Sequence

from sklearn.model_selection import train_test_split

from recipes.common.manifest import Segment, by_split
from recipes.common.protocol.fold import Example, Fold
from recipes.common.protocol.folds import OFFICIAL
from recipes.common.protocol.labels import class_of
from recipes.common.protocol.task import Task
from recipes.common.tasks.classes import SEXES, Classes
from recipes.common.tasks.of_column import there
from recipes.common.tasks.regression import Regression
from recipes.daic_woz.settings import DaicWozSettings

_LABELS = ("depressed", "not depressed")
# Share of the training participants that choose the epoch. Dev does not: it is reported.
_VALIDATION = 0.2
# The published choice: both classes get about as many utterances, and it needs the labels.
_LEAKY = {"depressed": 46, "not depressed": 18}

# Eight answers from 0 to 3.
_PHQ8 = (0.0, 24.0)


def labels_of(settings: DaicWozSettings, segments: Sequence[Segment]) -> tuple[str, ...]:
    """The two classes, by alphabet."""
    return _LABELS


def notes_of(settings: DaicWozSettings) -> tuple[str, ...]:
    """What must be said beside all results of such a run."""
    if settings.selection != "label_dependent_leaky":
        return ()
    return (
        f"leaky: the longest {_LEAKY['depressed']} utterances of the depressed and "
        f"{_LEAKY['not depressed']} of the others are heard, on dev and test too, where their "
        "number gives the label away",
    )


def task_of(settings: DaicWozSettings, segments: Sequence[Segment]) -> Task:
    """What the settings' task is.

    Raises:
        ValueError: If the manifest does not say it.
    """
    if settings.task == "depression":
        return Classes(labels_of(settings, segments))
    there(segments, settings.task, where="The manifest is older: run `prepare` again")
    if settings.task == "sex":
        return Classes(SEXES, "sex")
    return Regression(("PHQ-8",), settings.task, range=_PHQ8)


def folds_of(segments: Sequence[Segment], settings: DaicWozSettings) -> list[Fold]:
    """The published splits; a fifth of the training participants, stratified, validates.

    Raises:
        ValueError: If a split is empty, a participant is in two of them, or the training split has
            fewer than two participants of a class.
    """
    splits = by_split(segments)
    validating = _validating(splits["train"], settings.seed)

    def examples(found: Iterable[Segment]) -> tuple[Example, ...]:
        return examples_of(found, task_of(settings, segments), settings)

    return [
        Fold(
            name=OFFICIAL,
            train=examples(s for s in splits["train"] if s.speaker not in validating),
            validation=examples(s for s in splits["train"] if s.speaker in validating),
            tests={"dev": examples(splits["validation"]), "test": examples(splits["test"])},
        )
    ]


def _validating(segments: Iterable[Segment], seed: int) -> set[str]:
    """A fifth of the participants, with as large a share of both classes."""
    labels = {segment.speaker: class_of(segment.label, _LABELS) for segment in segments}
    people = sorted(labels)
    by_person = [labels[person] for person in people]
    if min(by_person.count(label) for label in range(len(_LABELS))) < 2:
        raise ValueError(
            "The training split must have at least two participants of each class: one trains, one "
            f"validates. Received: {by_person.count(0)} depressed, {by_person.count(1)} not"
        )
    count = max(len(_LABELS), round(_VALIDATION * len(people)))
    _, chosen = train_test_split(people, test_size=count, stratify=by_person, random_state=seed)
    return set(chosen)


def examples_of(
    segments: Iterable[Segment], task: Task, settings: DaicWozSettings
) -> tuple[Example, ...]:
    """The utterances that are heard, or an interview for each participant, by participant and time.

    Raises:
        ValueError: If a participant has two labels.
    """
    people: dict[str, list[Segment]] = {}
    for segment in segments:
        people.setdefault(segment.speaker, []).append(segment)
    return tuple(
        example for found in people.values() for example in _examples(found, task, settings)
    )


def _examples(segments: list[Segment], task: Task, settings: DaicWozSettings) -> list[Example]:
    """Of one participant."""
    first = segments[0]
    classes = {task.value_of(segment) for segment in segments}
    if len(classes) > 1:
        raise ValueError(
            f"A participant must have one label. Received: '{first.speaker}' with "
            f"{', '.join(sorted({segment.label for segment in segments}))}"
        )
    label = classes.pop()
    if label is None:
        return []
    number = settings.utterances
    if settings.selection == "label_dependent_leaky":
        number = _LEAKY[task.word(label)]
    heard = _longest(segments, number)
    units = [(s.id, (s,)) for s in heard]
    if settings.unit == "interview":
        units = [(first.speaker, tuple(heard))]
    return [
        Example(
            id=id,
            segments=unit,
            label=label,
            speaker=first.speaker,
            sex=first.sex,
            decision=first.speaker,
        )
        for id, unit in units
    ]


def _longest(segments: list[Segment], number: int | None) -> list[Segment]:
    """So many longest ones in order of time; of two that are equally long the earlier one.

    All, where a segment is a whole file, as in other corpora: its length isn't known here.
    """
    in_time = sorted(segments, key=lambda segment: (segment.path, segment.start or 0.0))
    if number is None or any(segment.end is None for segment in segments):
        return in_time
    by_length = sorted(in_time, key=lambda segment: (segment.start or 0.0) - segment.end)
    kept = {segment.id for segment in by_length[:number]}
    return [segment for segment in in_time if segment.id in kept]
