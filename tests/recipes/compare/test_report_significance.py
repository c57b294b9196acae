"""Tests of differences against enumeration, published tables, and what is known of them."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import rankdata

from recipes.compare.report.significance import holm, wilcoxon


def enumerated(differences):
    """The two-sided p by all signs of the ranks."""
    values = np.array([d for d in differences if d])
    ranks = rankdata(np.abs(values))
    observed = ranks[values > 0].sum()
    middle = ranks.sum() / 2
    sums = [np.dot(signs, ranks) for signs in itertools.product((0, 1), repeat=len(ranks))]
    return np.mean([abs(s - middle) >= abs(observed - middle) - 1e-9 for s in sums])


@pytest.mark.parametrize(
    ("differences", "p"),
    [
        # Ranks of one sign that add up to W of n: published tables of the signed-rank test.
        ([1, 2, 3, 4, 5], 0.0625),
        ([1, 2, 3, 4, 5, 6], 0.03125),
        ([1, 2, -3, 4, 5, 6, 7, 8], 0.0390625),
        ([-1, 2, 3, 4, 5, 6, -7, 8, 9, 10], 0.048828125),
        # Equal differences share their ranks.
        ([0.1, 0.1, -0.1, 0.2, 0.2], 0.25),
        ([0.3] * 8, 0.0078125),
        # One pair says nothing.
        ([0.3], 1),
    ],
)
def test_known_values(differences, p):
    assert wilcoxon(differences)[0] == pytest.approx(p)
    assert wilcoxon([-d for d in differences])[0] == pytest.approx(p)
    assert wilcoxon([*differences, 0, 0.0])[0] == pytest.approx(p)
    assert wilcoxon(differences)[1] == 2.0 ** (1 - len(differences))


def test_of_equals():
    assert wilcoxon([0.0, 0.0, 1e-17]) == (1, 1)


@given(st.lists(st.integers(-4, 4), min_size=1, max_size=7))
@settings(max_examples=20, deadline=None)
def test_all_signs(differences):
    # Differences of shares: equal but for rounding.
    found, least = wilcoxon([0.1 * d + 0.7 - 0.7 for d in differences])
    assert found == pytest.approx(enumerated(differences) if any(differences) else 1)
    assert found >= least - 1e-12


def test_many_pairs():
    # The sign of the smallest does not matter of 20: W = 1.
    assert wilcoxon([-1, *range(2, 21)])[0] == pytest.approx(2 * 2 / 2**20)
    # With equal ones only the normal approximation is at hand.
    assert 1e-6 < wilcoxon([0.2] * 20)[0] < 1e-4


def test_holm_by_hand():
    # 3 x 0.01; 2 x 0.03; not below the one before.
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert holm([0.5, 0.6]) == pytest.approx([1, 1])
    assert holm([]) == []


@given(st.lists(st.floats(0, 1), min_size=1, max_size=12))
@settings(max_examples=6, deadline=None)
@pytest.mark.slow
def test_holm_is_never_below_the_raw_one(values):
    found = holm(values)
    assert all(c >= p - 1e-12 and c <= 1 for c, p in zip(found, values, strict=True))
    assert min(found) == pytest.approx(min(1, len(values) * min(values)))
    for (p, c), (q, d) in itertools.combinations(zip(values, found, strict=True), 2):
        assert p == q or (p < q) <= (c <= d)
