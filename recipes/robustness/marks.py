"""The pass marks, each with its source: the one place where they stand."""

import dataclasses
from typing import Literal

SER_TESTS = "audEERING ser-tests (Derington et al. 2023)"
OURS = "this project's bar"

# What figures are called on the screen.
FIGURES = {
    "unchanged": "same",
    "ua_fall": "UA falls",
    "ua": "UA",
    "mean_precision": "mean precision",
    "recall": "recall",
    "precision": "precision",
    "share_difference": "predicted minus true share",
    "ua_difference": "UA minus UA of all",
}
# So that a share that is the mark itself is not lost to rounding.
_ROUNDING = 1e-9


@dataclasses.dataclass(frozen=True, kw_only=True)
class Mark:
    """What a figure must reach.

    Attributes:
        figure: One of `FIGURES`.
        least: Whether it must be at least the limit; else it must be at most that, a difference in
            either direction.
        limit: A share between 0 and 1.
        source: Who says so.
    """

    figure: str
    least: bool
    limit: float
    source: str

    def passed(self, value: float) -> bool:
        """Whether a value reaches it."""
        if self.least:
            return value >= self.limit - _ROUNDING
        return (abs(value) if self._either else value) <= self.limit + _ROUNDING

    @property
    def bound(self) -> str:
        """As in `"≥ 95"`, in percent."""
        sign = "≥" if self.least else "±" if self._either else "≤"
        return f"{sign} {100 * self.limit:.3g}"

    @property
    def _either(self) -> bool:
        return self.figure.endswith("_difference")

    def __str__(self) -> str:
        return f"{FIGURES[self.figure]} {self.bound}"


def _at_least(figure: str, limit: float, source: str) -> Mark:
    return Mark(figure=figure, least=True, limit=limit, source=source)


def _at_most(figure: str, limit: float, source: str) -> Mark:
    return Mark(figure=figure, least=False, limit=limit, source=source)


Family = Literal[
    "small", "background", "telephone", "tilt", "rooms", "level", "offset", "around", "further",
    "correctness", "distribution", "sex",
]  # fmt: skip

# By the family of a test.
MARKS: dict[Family, tuple[Mark, ...]] = {
    "small": (_at_least("unchanged", 0.95, SER_TESTS),),
    "background": (
        _at_most("ua_fall", 0.05, SER_TESTS),
        _at_least("unchanged", 0.90, SER_TESTS),
    ),
    "telephone": (
        _at_most("ua_fall", 0.05, SER_TESTS),
        _at_least("unchanged", 0.50, SER_TESTS),
    ),
    "tilt": (_at_most("ua_fall", 0.02, SER_TESTS), _at_least("unchanged", 0.80, SER_TESTS)),
    "rooms": (_at_least("unchanged", 0.80, SER_TESTS),),
    "correctness": (
        _at_least("ua", 0.50, SER_TESTS),
        _at_least("mean_precision", 0.50, SER_TESTS),
        _at_least("recall", 0.50, SER_TESTS),
        _at_least("precision", 0.50, SER_TESTS),
    ),
    "distribution": (_at_most("share_difference", 0.15, SER_TESTS),),
    "sex": (_at_most("ua_difference", 0.075, SER_TESTS),),
    "level": (_at_most("ua_fall", 0.02, OURS), _at_least("unchanged", 0.90, OURS)),
    "offset": (_at_most("ua_fall", 0.01, OURS),),
    "around": (_at_most("ua_fall", 0.05, OURS), _at_least("unchanged", 0.90, OURS)),
    # Measured, without a mark: how a model gives way.
    "further": (),
}
