"""EmoDB: every speaker tests once."""

from collections.abc import Mapping, Sequence

from recipes.common.manifest import Segment
from recipes.common.protocol.examples import examples_of
from recipes.common.protocol.fold import Example, Fold
from recipes.common.protocol.folds import grouped
from recipes.common.protocol.labels import FOUR_CLASSES
from recipes.common.protocol.task import Task
from recipes.common.tasks.classes import SEXES, Classes
from recipes.common.tasks.of_column import numbers_of, there
from recipes.emodb.names import EMOTIONS
from recipes.emodb.settings import EmodbSettings


def labels_of(settings: EmodbSettings, segments: Sequence[Segment]) -> tuple[str, ...]:
    """Seven or four classes, by alphabet."""
    return FOUR_CLASSES if settings.classes == 4 else tuple(sorted(EMOTIONS.values()))


def task_of(settings: EmodbSettings, segments: Sequence[Segment]) -> Task:
    """What the settings' task is.

    Raises:
        ValueError: If the manifest does not say it.
    """
    if settings.task == "emotion":
        return Classes(labels_of(settings, segments))
    known = there(segments, settings.task, where="The manifest is older: run `prepare` again")
    return (
        Classes(SEXES, "sex") if settings.task == "sex" else numbers_of(known, "age", unit="years")
    )


def folds_of(segments: Sequence[Segment], settings: EmodbSettings) -> list[Fold]:
    """A fold for every speaker, in the order of their names.

    It tests that speaker; the next woman and the next man, after the last the first, validate.

    Raises:
        ValueError: If there are too few speakers to test, validate and train.
    """
    examples = examples_of(segments, task_of(settings, segments))
    speakers = grouped(examples, lambda segment: segment.speaker)
    return [_fold(speaker, speakers) for speaker in speakers]


def _fold(speaker: str, speakers: Mapping[str, list[Example]]) -> Fold:
    validating = _validating(speaker, {name: found[0].sex for name, found in speakers.items()})
    return Fold(
        name=speaker,
        train=tuple(
            example
            for name, found in speakers.items()
            if name not in (speaker, *validating)
            for example in found
        ),
        validation=tuple(example for name in validating for example in speakers[name]),
        tests={"test": tuple(speakers[speaker])},
    )


def _validating(speaker: str, sexes: Mapping[str, str]) -> list[str]:
    """The next speaker of each sex after the given one."""
    names = list(sexes)
    begin = names.index(speaker)
    following = names[begin + 1 :] + names[:begin]
    # Written from the last to the first: what stays for each sex is the first.
    first = {sexes[name]: name for name in reversed(following)}
    return [name for name in following if name in first.values()]
