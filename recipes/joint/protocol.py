"""Who trains, validates and tests, of both corpora."""

import dataclasses
from collections.abc import Sequence

from recipes.common.manifest import Segment
from recipes.common.protocol.examples import examples_of
from recipes.common.protocol.fold import Example, Fold
from recipes.common.protocol.folds import OFFICIAL
from recipes.common.protocol.labels import FOUR_CLASSES
from recipes.common.protocol.task import Task
from recipes.common.tasks.classes import Classes
from recipes.crema_d.about import FACTS as CREMA_D
from recipes.crema_d.actors import SEXES as ACTORS
from recipes.emodb.about import FACTS as EMODB
from recipes.joint.settings import JointSettings

# By EmoDB's speakers, as in the clips that come with the repository, and by CREMA-D's folds, as in
# the first fold of its recipe. All others train.
_SPLITS = {
    **{"03": "test", "08": "test", "11": "validation", "13": "validation"},
    **{"1": "test", "2": "validation"},
}
# CREMA-D has thirteen times as many training clips: EmoDB's are heard eight times in an epoch.
_EMODB_TIMES = 8


def labels_of(settings: JointSettings, segments: Sequence[Segment]) -> tuple[str, ...]:
    """The four classes, by alphabet."""
    return FOUR_CLASSES


def task_of(settings: JointSettings, segments: Sequence[Segment]) -> Task:
    """The classes."""
    return Classes(labels_of(settings, segments))


def folds_of(segments: Sequence[Segment], settings: JointSettings) -> list[Fold]:
    """The only fold: EmoDB's speakers 03 and 08 and the actors of CREMA-D's fold 1 test.

    Raises:
        ValueError: If a split is empty.
    """
    splits: dict[str, list[Example]] = {"train": [], "validation": [], "test": []}
    for example in examples_of(segments, task_of(settings, segments)):
        (segment,) = example.segments
        split = _SPLITS.get(segment.fold, "train")
        emodb = segment.speaker not in ACTORS
        splits[split].append(
            dataclasses.replace(
                example,
                corpus=(EMODB if emodb else CREMA_D).title,
                times=_EMODB_TIMES if emodb and split == "train" else 1,
            )
        )
    return [
        Fold(
            name=OFFICIAL,
            train=tuple(splits["train"]),
            validation=tuple(splits["validation"]),
            tests={"test": tuple(splits["test"])},
        )
    ]
