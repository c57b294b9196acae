"""From segments to examples."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence

from recipes.common.manifest import Segment
from recipes.common.protocol.fold import Example
from recipes.common.protocol.labels import class_of, common_label


def examples_of(segments: Iterable[Segment], labels: Sequence[str]) -> tuple[Example, ...]:
    """An example for each segment whose label is among `labels`, in the segments' order."""
    found = ((segment, class_of(segment.label, labels)) for segment in segments)
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
    labels: Sequence[str],
    *,
    examples_of: Callable[[Sequence[Segment], Sequence[str]], tuple[Example, ...]] = examples_of,
) -> tuple[tuple[Example, ...], dict[str, int]]:
    """Another corpus's segments as examples for a model of the classes `labels`.

    Args:
        segments: Of any manifest, whatever its splits and folds.
        labels: The model's classes, in its order.
        examples_of: Makes the examples of segments whose labels are all among `labels`.

    Returns:
        The examples, and the number of segments that were left out, by the common name of their
        label.

    Raises:
        ValueError: If all are left out.
    """
    kept = []
    left_out: Counter = Counter()
    for segment in segments:
        if class_of(segment.label, labels) is None:
            left_out[common_label(segment.label)] += 1
        else:
            kept.append(segment)
    if not kept:
        raise ValueError(
            f"The manifest must have segments of the model's classes {', '.join(labels)}. "
            f"Received: {', '.join(sorted(left_out)) or 'no segments'}"
        )
    return examples_of(kept, labels), dict(sorted(left_out.items()))
