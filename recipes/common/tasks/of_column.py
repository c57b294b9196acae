"""Tasks from a column of a manifest, and all that may be wrong with it, in one error."""

import math
from collections.abc import Iterable, Sequence

from recipes.common.manifest import COLUMNS, Segment
from recipes.common.protocol.labels import common_label, is_value, plain_word
from recipes.common.tasks.classes import Classes
from recipes.common.tasks.multilabel import Multilabel
from recipes.common.tasks.regression import Regression

# So many rows are named.
_MOST_NAMED = 8
# What else may stand between labels.
_SEPARATORS = ";,|/+&\t"


def classes_of(
    segments: Sequence[Segment], target: str, chosen: Sequence[str] | None = None
) -> Classes:
    """The words of a column, or those that are chosen, by alphabet; of emotions the common names.

    Raises:
        ValueError: If there is no such column, a row has no word there, there are fewer than two
            words, or one that is chosen is not there.
    """
    _check_column(segments, target)
    _refuse(
        (s for s in segments if not is_value(s.cell(target))),
        target,
        "must hold a word in every row",
    )
    there = {_name(segment.cell(target), target) for segment in segments}
    names = _chosen(there, None if chosen is None else {_name(word, target) for word in chosen})
    if len(names) < 2:
        raise ValueError(
            f"There must be at least two classes. Received: {', '.join(names) or 'none'}"
        )
    return Classes(tuple(names), target)


def numbers_of(
    segments: Sequence[Segment],
    target: str,
    *,
    range: tuple[float, float] | None = None,
    unit: str = "",
) -> Regression:
    """The numbers of a column; without a range, they go from the lowest to the highest.

    Raises:
        ValueError: If there is no such column, a row has no number there, or one out of the range,
            or all rows have the same.
    """
    _check_column(segments, target)
    _refuse(
        (s for s in segments if not math.isfinite(number_of(s.cell(target)))),
        target,
        "must hold a number in every row, decimals behind a point",
    )
    values = [number_of(segment.cell(target)) for segment in segments]
    if range is not None:
        low, high = range
        pairs = zip(segments, values, strict=True)
        _refuse(
            (segment for segment, value in pairs if not low <= value <= high),
            target,
            f"must hold a number from {low:g} to {high:g} in every row, as `range` says",
        )
    if min(values) == max(values):
        raise ValueError(
            f"The column `{target}` must hold at least two different numbers: of one alone there "
            f"is nothing to learn. Received: {values[0]:g} in all {len(values):,} rows"
        )
    return Regression((target,), target, range=range or (min(values), max(values)), unit=unit)


def labels_of(
    segments: Sequence[Segment],
    target: str,
    *,
    separator: str = ";",
    chosen: Sequence[str] | None = None,
) -> Multilabel:
    """The labels in a column's lists, or those that are chosen, by alphabet.

    Raises:
        ValueError: If there is no such column, a row has nothing there or another separator, fewer
            than two labels are there, or one that is chosen is not.
    """
    _check_column(segments, target)
    _refuse(
        (s for s in segments if not is_value(s.cell(target)) and not _is_none(s.cell(target))),
        target,
        "must hold labels in every row, or the word none",
    )
    others = [mark for mark in _SEPARATORS if mark != separator]
    _refuse(
        (s for s in segments if any(mark in s.cell(target) for mark in others)),
        target,
        f"must hold labels with '{separator}' between them; say separator=... if it is another",
    )
    task = Multilabel((), target, separator)
    there = {name for s in segments for name in map(common_label, task.words(s.cell(target)))}
    names = _chosen(there, None if chosen is None else {common_label(word) for word in chosen})
    if len(names) < 2:
        raise ValueError(
            f"There must be at least two labels. Received: {', '.join(names) or 'none'}"
        )
    return Multilabel(tuple(names), target, separator)


def _chosen(there: set[str], chosen: set[str] | None) -> list[str]:
    """All names, or those that are chosen, by alphabet; an error if one of them is not there."""
    missing = sorted((chosen or set()) - there)
    if missing:
        raise ValueError(
            f"`labels` must be among the manifest's, which are {', '.join(sorted(there))}. "
            f"Received: {', '.join(missing)}"
        )
    return sorted(there if chosen is None else chosen)


def there(segments: Sequence[Segment], target: str, *, where: str) -> list[Segment]:
    """The segments that have a value in a column.

    Args:
        segments: Of a corpus.
        target: The column.
        where: What to do where there is none, in a sentence.

    Raises:
        ValueError: If there are segments, and none has one.
    """
    found = [segment for segment in segments if segment.cell(target)]
    if segments and not found:
        raise ValueError(f"No clip here has a value of `{target}`. {where}")
    return found


def number_of(cell: str | None) -> float:
    """The number in a cell; NaN if there is none."""
    try:
        return float(cell or "")
    except ValueError:
        return math.nan


def _is_none(cell: str) -> bool:
    return plain_word(cell) == "none"


def _name(word: str, target: str) -> str:
    # Numbers mean something else in every corpus; the table of common names is one of emotions.
    word = plain_word(word)
    return word if word.isdecimal() or target != "label" else common_label(word)


def _check_column(segments: Sequence[Segment], target: str) -> None:
    if segments and segments[0].cell(target) is None:
        more = ", ".join(name for name, _ in segments[0].more)
        raise ValueError(
            f"`target` must be a column. Received: target={target!r}; there are "
            f"{', '.join(COLUMNS)}{', ' if more else ''}{more}"
        )


def _refuse(segments: Iterable[Segment], target: str, rule: str) -> None:
    """Raises one `ValueError` for all of these segments."""
    wrong = list(segments)
    if not wrong:
        return
    named = "; ".join(f"'{s.cell(target)}' in {s.where or s.id}" for s in wrong[:_MOST_NAMED])
    more = len(wrong) - _MOST_NAMED
    rest = f"; and {more:,} more" if more > 0 else ""
    raise ValueError(f"The column `{target}` {rule}. Received: {named}{rest}")
