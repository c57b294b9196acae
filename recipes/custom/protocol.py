"""A corpus of one's own: its split, or else its folds, or else five folds that are dealt out."""

from collections.abc import Sequence

from recipes.common.manifest import SPLITS, Segment
from recipes.common.protocol.examples import examples_of
from recipes.common.protocol.fold import Example, Fold
from recipes.common.protocol.folds import OFFICIAL, cyclic_folds, grouped
from recipes.common.protocol.task import Task
from recipes.common.tasks.of_column import classes_of, labels_of, numbers_of
from recipes.custom.dealing import deal
from recipes.custom.settings import CustomSettings


def task_of(settings: CustomSettings, segments: Sequence[Segment]) -> Task:
    """What the settings say of the target's column: its words, its numbers, or its lists of labels.

    Raises:
        ValueError: If the column does not hold that; all rows are named.
    """
    return {
        "classes": lambda: classes_of(segments, settings.target, settings.labels),
        "regression": lambda: numbers_of(
            segments, settings.target, range=settings.range, unit=settings.unit
        ),
        "multilabel": lambda: labels_of(
            segments, settings.target, separator=settings.separator, chosen=settings.labels
        ),
    }[settings.task]()


def folds_of(segments: Sequence[Segment], settings: CustomSettings) -> list[Fold]:
    """The manifest's split, or else its folds, or else five folds of speakers.

    Where the manifest's split names nobody for validation, a fifth of the training speakers
    validates. Of folds each one tests, and the next one, after the last the first, validates.

    Raises:
        ValueError: If there are too few speakers, folds or labels; some segments alone have a
            split or fold; a speaker is in two splits; or a class is missing in training.
    """
    task = task_of(settings, segments)
    examples = examples_of(segments, task)
    if _given(examples, "split"):
        folds = [_official(examples, task, settings.seed)]
    elif _given(examples, "fold"):
        folds = cyclic_folds(grouped(examples, lambda segment: segment.fold))
    else:
        dealt = deal(examples, task, least=3, seed=settings.seed)
        folds = cyclic_folds({str(i): split for i, split in enumerate(dealt, start=1)})
    for fold in folds:
        _check_training(fold, task)
    return folds


def _given(examples: Sequence[Example], column: str) -> bool:
    """Whether the segments have a value in the column; all or none of them."""
    without = [e.id for e in examples if not getattr(e.segments[0], column)]
    if without and len(without) < len(examples):
        raise ValueError(
            f"All clips must have a {column}, or none. Received: {len(without):,} of "
            f"{len(examples):,} without, the first of them '{without[0]}'"
        )
    return not without


def _official(examples: Sequence[Example], task: Task, seed: int) -> Fold:
    splits = {name: [e for e in examples if e.segments[0].split == name] for name in SPLITS}
    missing = [name for name in ("train", "test") if not splits[name]]
    if missing:
        raise ValueError(
            "The column `split` must name train and test. "
            f"Received: no clips of the chosen labels for {' and '.join(missing)}"
        )
    train, validation = splits["train"], splits["validation"]
    if not validation:
        train, validation = _without_a_fifth(train, task, seed)
    return Fold(
        name=OFFICIAL,
        train=tuple(train),
        validation=tuple(validation),
        tests={"test": tuple(splits["test"])},
    )


def _without_a_fifth(
    examples: Sequence[Example], task: Task, seed: int
) -> tuple[list[Example], Sequence[Example]]:
    """What is left for training, and a fifth of the speakers, after whom no class is missing."""
    for validation in deal(examples, task, least=2, seed=seed):
        speakers = {example.speaker for example in validation}
        rest = [example for example in examples if example.speaker not in speakers]
        if not task.unlearnable([example.label for example in rest]):
            break
    return rest, validation


def _check_training(fold: Fold, task: Task) -> None:
    missing = task.unlearnable([example.label for example in fold.train])
    if missing:
        raise ValueError(
            "Every class must occur in training. Received: no clips of "
            f"{', '.join(missing)} for the training of fold '{fold.name}': too few speakers have "
            "such clips. Choose other classes (labels=[...]), or other splits"
        )
