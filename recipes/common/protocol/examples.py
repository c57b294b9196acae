"""From segments to examples."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence

from recipes.common.manifest import Segment
from recipes.common.protocol.fold import Example
from recipes.common.protocol.labels import common_label
from recipes.common.protocol.task import Task


def examples_of(segments: Iterable[Segment], task: Task) -> tuple[Example, ...]:
    """An example for each segment of which the task has a value, in the segments' order."""
    found = ((segment, task.value_of(segment)) for segment in segments)
    return tuple(
        Example(
            id=segment.id,
            segments=(segment,),
            label=label,
            speaker=segment.speaker,
            sex=segment.sex,
            decision=segment.id,
        )
        for segment, label in found
        if label is not None
    )


def cross_corpus_examples(
    segments: Iterable[Segment],
    task: Task,
    *,
    examples_of: Callable[[Sequence[Segment], Task], tuple[Example, ...]] = examples_of,
) -> tuple[tuple[Example, ...], dict[str, int]]:
    """Another corpus's segments as examples for a model of the task.

    Args:
        segments: Of any manifest, whatever its splits and folds.
        task: What the model tells.
        examples_of: Makes the examples of segments of which the task has a value.

    Returns:
        The examples, and the number of segments that were left out, by what stands in the
        target's column: of words the common name.

    Raises:
        ValueError: If all are left out.
    """
    kept = []
    left_out: Counter = Counter()
    for segment in segments:
        if task.value_of(segment) is None:
            left_out[common_label(segment.cell(task.target) or "nothing")] += 1
        else:
            kept.append(segment)
    if not kept:
        raise ValueError(
            f"The manifest must have segments of the model's {task.described}. "
            f"Received: {', '.join(sorted(left_out)) or 'no segments'}"
        )
    return examples_of(kept, task), dict(sorted(left_out.items()))
