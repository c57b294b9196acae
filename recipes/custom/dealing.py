"""Speakers dealt out to parts that are alike in their labels."""

import warnings
from collections import Counter
from collections.abc import Sequence

from recipes.common.protocol.fold import Example
from recipes.common.protocol.task import Task

_PARTS = 5


def deal(
    examples: Sequence[Example], task: Task, *, least: int, seed: int
) -> list[tuple[Example, ...]]:
    """The examples in five parts, or fewer if there aren't as many speakers; each speaker in one.

    Parts differ as little as they can in size and in the shares of the labels.

    Args:
        examples: Who speaks in them, and with which label.
        task: What labels are alike by.
        least: Fewest parts that are of use.
        seed: Of the order in which speakers that are equally good come.

    Raises:
        ValueError: If there are fewer speakers than `least`, or fewer examples of every label.
    """
    speakers = [example.speaker for example in examples]
    labels = task.strata([example.label for example in examples])
    # More parts than every label has examples, scikit-learn does not make.
    parts = min(_PARTS, len(set(speakers)), max(Counter(labels).values()))
    if parts < least:
        raise ValueError(
            f"There must be at least {least} speakers, and {least} clips of a label, to deal out. "
            f"Received: {len(set(speakers))} speakers, {len(labels)} clips"
        )
    # A second, which every command would take that knows of this corpus.
    from sklearn.model_selection import StratifiedGroupKFold

    splitter = StratifiedGroupKFold(parts, shuffle=True, random_state=seed)
    with warnings.catch_warnings():
        # A label rarer than there are parts: whether that does harm is checked afterwards.
        warnings.filterwarnings("ignore", "The least populated class", UserWarning)
        dealt = [
            {speakers[i] for i in part} for _, part in splitter.split(labels, labels, speakers)
        ]
    _fill(dealt)
    return [tuple(e for e in examples if e.speaker in part) for part in dealt]


def _fill(parts: list[set[str]]) -> None:
    """Moves a speaker into each part that has none.

    scikit-learn seldom leaves one empty: where what should be equal differs by rounding.
    """
    for part in parts:
        if not part:
            fullest = max(parts, key=len)
            moved = max(fullest)
            fullest.remove(moved)
            part.add(moved)
