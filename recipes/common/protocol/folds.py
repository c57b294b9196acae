"""Folds that take turns."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence

from recipes.common.manifest import Segment
from recipes.common.protocol.fold import Example, Fold

# Name of the only fold of a corpus with one published split.
OFFICIAL = "official"


def grouped(
    examples: Iterable[Example], name_of: Callable[[Segment], str]
) -> dict[str, list[Example]]:
    """The examples by the name that `name_of` gives their segment, in the order of the names.

    Numbers in names count as numbers: 10 comes after 9.
    """
    groups: dict[str, list[Example]] = {}
    for example in examples:
        groups.setdefault(name_of(example.segments[0]), []).append(example)
    return {name: groups[name] for name in sorted(groups, key=_by_number)}


def _by_number(name: str) -> list[str | int]:
    # Every second part is a number.
    return [int(part) if i % 2 else part for i, part in enumerate(re.split(r"(\d+)", name))]


def cyclic_folds(groups: Mapping[str, Sequence[Example]]) -> list[Fold]:
    """Every group tests once, while the next one, after the last the first, validates.

    Args:
        groups: The examples by the name of their fold, in order.

    Raises:
        ValueError: If there are fewer than three groups, or a speaker is in two.
    """
    names = list(groups)
    if len(names) < 3:
        raise ValueError(
            "There must be at least three folds: one tests, one validates, the rest trains. "
            f"Received: {', '.join(names) or 'none'}"
        )
    return [
        Fold(
            name=name,
            train=tuple(
                example
                for other, examples in groups.items()
                if other not in (name, following)
                for example in examples
            ),
            validation=tuple(groups[following]),
            tests={"test": tuple(groups[name])},
        )
        for name, following in zip(names, names[1:] + names[:1], strict=True)
    ]
