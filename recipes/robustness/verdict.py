"""Outcomes held against their marks."""

import dataclasses
from collections.abc import Iterator, Sequence

import numpy as np

from recipes.common.names import CLEAN
from recipes.robustness.marks import MARKS, Family, Mark
from recipes.robustness.outcome import Heard, Outcome


@dataclasses.dataclass(frozen=True, kw_only=True)
class Verdict:
    """One figure beside its mark.

    Attributes:
        test: Name of the condition, or of a test of the clips as they are.
        of: Class or sex that it is of; empty: of all clips.
        value: The figure.
        mark: What it must reach.
        passed: Whether it does.
    """

    test: str
    of: str
    value: float
    mark: Mark
    passed: bool


def of_condition(outcome: Outcome, family: Family) -> list[Verdict]:
    """A condition's figures beside their marks; none where it has no marks."""
    return [
        _verdict(outcome.name, "", getattr(outcome, mark.figure), mark) for mark in MARKS[family]
    ]


def of_clean(tests: Sequence[Family], heard: Heard) -> list[Verdict]:
    """The tests of the clips as they are."""
    figures = {
        "correctness": _correctness,
        "distribution": _distribution,
        "sex": _sexes,
    }
    return [
        _verdict(test, of, value, mark)
        for test in tests
        for mark in MARKS[test]
        for figure, of, value in figures[test](heard)
        if figure == mark.figure
    ]


def _verdict(test: str, of: str, value: float, mark: Mark) -> Verdict:
    return Verdict(test=test, of=of, value=value, mark=mark, passed=mark.passed(value))


Figure = tuple[str, str, float]


def _correctness(heard: Heard) -> Iterator[Figure]:
    found = heard.metrics()
    occurring = [label for label in heard.labels if found.recall[label] is not None]
    # A class that is never predicted has no precision: as audEERING, 0.
    precision = {label: found.precision[label] or 0.0 for label in occurring}
    yield "ua", "", found.ua
    yield "mean_precision", "", float(np.mean(list(precision.values())))
    for label in occurring:
        yield "recall", label, found.recall[label] or 0.0
        yield "precision", label, precision[label]


def _distribution(heard: Heard) -> Iterator[Figure]:
    for index, label in enumerate(heard.labels):
        shares = ((values == index).mean() for values in (heard.clean, heard.truth))
        predicted, true = map(float, shares)
        yield "share_difference", label, predicted - true


def _sexes(heard: Heard) -> Iterator[Figure]:
    whole = heard.outcome(CLEAN, "", heard.clean)
    # Of one sex alone there is nothing to compare.
    if len(whole.by_sex) > 1:
        for sex, found in whole.by_sex.items():
            yield "ua_difference", sex, found.ua - whole.ua


def why_no_sexes(heard: Heard) -> str | None:
    """Why the sexes can't be compared; `None` if they can."""
    known = set(heard.sexes.tolist()) - {""}
    return None if len(known) > 1 else f"needs clips of both sexes; received {len(known)}"
