"""CREMA-D: five folds of actors."""

from collections.abc import Sequence

from recipes.common.manifest import Segment
from recipes.common.protocol.examples import examples_of
from recipes.common.protocol.fold import Fold
from recipes.common.protocol.folds import cyclic_folds, grouped
from recipes.common.protocol.labels import FOUR_CLASSES
from recipes.common.protocol.task import Task
from recipes.common.tasks.classes import SEXES, Classes
from recipes.common.tasks.distribution import Distribution
from recipes.common.tasks.of_column import numbers_of, there
from recipes.crema_d.names import EMOTIONS, LEVELS
from recipes.crema_d.settings import CremaDSettings


def labels_of(settings: CremaDSettings, segments: Sequence[Segment]) -> tuple[str, ...]:
    """Six or four classes, by alphabet."""
    return FOUR_CLASSES if settings.classes == 4 else tuple(sorted(EMOTIONS.values()))


def task_of(settings: CremaDSettings, segments: Sequence[Segment]) -> Task:
    """What the settings' task is.

    Raises:
        ValueError: If the manifest does not say it.
    """
    if settings.task == "emotion":
        return Classes(labels_of(settings, segments))
    known = there(
        segments,
        settings.task,
        where="Ages are those of VideoDemographics.csv, votes those of tabulatedVotes.csv, which "
        "must lie beside the audio's folder; then run `prepare` again",
    )
    if settings.task == "votes":
        return Distribution(tuple(sorted(EMOTIONS.values())), "votes")
    if settings.task == "age":
        return numbers_of(known, "age", unit="years")
    return Classes(SEXES if settings.task == "sex" else tuple(LEVELS.values()), settings.task)


def folds_of(segments: Sequence[Segment], settings: CremaDSettings) -> list[Fold]:
    """The manifest's folds: each one tests, and the next one, after the last the first, validates.

    Raises:
        ValueError: If there are too few folds to test, validate and train.
    """
    examples = examples_of(segments, task_of(settings, segments))
    return cyclic_folds(grouped(examples, lambda segment: segment.fold))
