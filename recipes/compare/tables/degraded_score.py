"""`degraded.csv`: how every run's int8 file does on degraded clips of its validation speakers."""

from pydantic.dataclasses import dataclass

from recipes.common.settings import Count
from recipes.compare.tables.run_result import RunId, Score, Word


@dataclass(frozen=True, kw_only=True)
class DegradedScore:
    """One run in one condition.

    Attributes:
        run: Whose file it is.
        condition: A test of `recipes.robustness`, or `names.CLEAN`.
        clips: How many were classified.
        ua: Unweighted accuracy, from 0 to 1.
    """

    run: RunId
    condition: Word
    clips: Count
    ua: Score
