"""IEMOCAP: four classes; five folds of sessions, or ten of speakers."""

from collections.abc import Sequence

from recipes.common.manifest import Segment
from recipes.common.protocol.examples import examples_of
from recipes.common.protocol.fold import Example, Fold
from recipes.common.protocol.folds import cyclic_folds, grouped
from recipes.common.protocol.labels import FOUR_CLASSES
from recipes.common.protocol.task import Task
from recipes.common.tasks.classes import SEXES, Classes
from recipes.common.tasks.of_column import there
from recipes.common.tasks.regression import Regression
from recipes.iemocap.settings import IemocapSettings

# Of the raters' manikins.
_SCALE = (1.0, 5.0)


def labels_of(settings: IemocapSettings, segments: Sequence[Segment]) -> tuple[str, ...]:
    """The four classes of published work, by alphabet; excitement counts as happiness."""
    return FOUR_CLASSES


def task_of(settings: IemocapSettings, segments: Sequence[Segment]) -> Task:
    """What the settings' task is.

    Raises:
        ValueError: If the manifest does not say it.
    """
    if settings.task == "emotion":
        return Classes(labels_of(settings, segments))
    there(segments, settings.task, where="The manifest is older: run `prepare` again")
    if settings.task == "sex":
        return Classes(SEXES, "sex")
    return Regression((settings.task,), settings.task, range=_SCALE)


def folds_of(segments: Sequence[Segment], settings: IemocapSettings) -> list[Fold]:
    """A fold for every session, or for every speaker, in their order.

    The fold of a session tests it, and the next one, after the last the first, validates. The
    fold of a speaker tests this one, and the other one of the session validates.

    Raises:
        ValueError: If there are too few sessions or speakers to test, validate and train.
    """
    if settings.improvised:
        segments = [segment for segment in segments if "_impro" in segment.text_id]
    examples = examples_of(segments, task_of(settings, segments))
    sessions = grouped(examples, lambda segment: segment.session)
    if settings.protocol == "session":
        return cyclic_folds(sessions)
    return [
        _fold(speaker, session, sessions)
        for session, found in sessions.items()
        for speaker in sorted({example.speaker for example in found})
    ]


def _fold(speaker: str, session: str, sessions: dict[str, list[Example]]) -> Fold:
    here = sessions[session]
    return Fold(
        name=speaker,
        train=tuple(e for other, found in sessions.items() if other != session for e in found),
        validation=tuple(example for example in here if example.speaker != speaker),
        tests={"test": tuple(example for example in here if example.speaker == speaker)},
    )
