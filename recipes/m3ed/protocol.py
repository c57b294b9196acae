"""M3ED: seven classes, the published split of the series."""

from collections.abc import Sequence

from recipes.common.manifest import Segment, by_split
from recipes.common.protocol.examples import examples_of
from recipes.common.protocol.fold import Fold
from recipes.common.protocol.folds import OFFICIAL
from recipes.common.protocol.labels import common_label
from recipes.common.protocol.task import Task
from recipes.common.tasks.classes import SEXES, Classes
from recipes.common.tasks.multilabel import Multilabel
from recipes.common.tasks.of_column import classes_of, there
from recipes.m3ed.settings import M3edSettings
from recipes.m3ed.utterances import LABELS


def labels_of(settings: M3edSettings, segments: Sequence[Segment]) -> tuple[str, ...]:
    """The seven classes, by alphabet."""
    return tuple(sorted(map(common_label, LABELS)))


def task_of(settings: M3edSettings, segments: Sequence[Segment]) -> Task:
    """What the settings' task is.

    Raises:
        ValueError: If the manifest does not say it.
    """
    names = labels_of(settings, segments)
    if settings.task == "emotion":
        return Classes(names)
    known = there(segments, settings.task, where="The manifest is older: run `prepare` again")
    if settings.task == "emotions":
        return Multilabel(names, settings.task)
    return Classes(SEXES, "sex") if settings.task == "sex" else classes_of(known, "age")


def folds_of(segments: Sequence[Segment], settings: M3edSettings) -> list[Fold]:
    """The published split; no series, and so no speaker, is in two splits.

    Raises:
        ValueError: If a split is empty, or a speaker is in two of them.
    """
    task = task_of(settings, segments)
    splits = {split: examples_of(found, task) for split, found in by_split(segments).items()}
    return [
        Fold(
            name=OFFICIAL,
            train=splits["train"],
            validation=splits["validation"],
            tests={"test": splits["test"]},
        )
    ]
