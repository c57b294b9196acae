"""How much a condition's validation score depends on the learning rate."""

import dataclasses
import math

import numpy as np

from recipes.compare.report.scores import ConditionScores

# Scores this much below the best still count as good: a point.
CLOSE = 0.01


@dataclasses.dataclass(frozen=True)
class RateRange:
    """The learning rates within a point of a condition's best validation score.

    Between those tried the mean score is interpolated, linearly in the logarithm of the rate; the
    range is what is connected with the best one.

    Attributes:
        low: Lowest, as a multiple of the recipe's own rate.
        high: Highest.
        low_is_end: Whether it is the lowest that was tried, so that lower ones may be as good.
        high_is_end: Whether it is the highest that was tried.
    """

    low: float
    high: float
    low_is_end: bool
    high_is_end: bool

    @classmethod
    def of(cls, condition: ConditionScores) -> "RateRange | None":
        """That of a condition; `None` if there is no choice of rates, or nothing to make it by."""
        if not condition.validation:
            return None
        rates = np.log(list(condition.validation))
        scores = np.array(list(condition.validation.values()))
        best = list(condition.validation).index(condition.rate)
        low = _reached(rates[best::-1], scores[best::-1])
        high = _reached(rates[best:], scores[best:])
        return cls(
            math.exp(rates[0] if low is None else low),
            math.exp(rates[-1] if high is None else high),
            low is None,
            high is None,
        )

    @property
    def width(self) -> float:
        """Highest over lowest."""
        return self.high / self.low


def _reached(rates: np.ndarray, scores: np.ndarray) -> float | None:
    """Where scores, the best one first, fall below what is close to it; `None`: nowhere."""
    least = scores[0] - CLOSE
    below = np.flatnonzero(scores < least - 1e-12)
    if not below.size:
        return None
    end = below[0]
    share = (scores[end - 1] - least) / (scores[end - 1] - scores[end])
    return rates[end - 1] + share * (rates[end] - rates[end - 1])
