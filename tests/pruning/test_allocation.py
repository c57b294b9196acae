"""The widths that a budget allows, against all that there are; interpolated latencies; the file."""

import itertools
import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import keras_reparam as kr
from keras_reparam.pruning.allocation import choose_widths, largest_groups
from keras_reparam.pruning.staircase import costs_of_widths

# Whole numbers, so that a tick is a unit of cost and the dynamic programming exact.
SITES = st.lists(
    st.lists(st.tuples(st.integers(0, 9), st.integers(1, 6)), min_size=1, max_size=4),
    min_size=1,
    max_size=4,
)


def _worth(values, widths):
    return sum(value[width - 1] for value, width in zip(values, widths, strict=True))


def _best(values, costs, budget):
    """Over all combinations of widths."""
    every = itertools.product(*(range(1, len(value) + 1) for value in values))
    return max(_worth(values, w) for w in every if _worth(costs, w) <= budget + 1e-9)


def _sites(sites):
    return [
        [np.array([float(pair[place]) for pair in site]) for site in sites] for place in range(2)
    ]


@settings(max_examples=60, deadline=None)
@given(SITES, st.integers(0, 20))
def test_widths_are_the_best_of_all(sites, more):
    values, costs = _sites(sites)
    budget = sum(cost.min() for cost in costs) + more
    widths = choose_widths(values, costs, budget, ticks=max(more, 1))
    assert _worth(costs, widths) <= budget
    assert _worth(values, widths) == _best(values, costs, budget)


@settings(max_examples=60, deadline=None)
@given(SITES, st.floats(0, 20), st.floats(0.01, 3))
def test_any_latencies_keep_the_budget_and_lose_a_tick_a_site_at_most(sites, more, scale):
    values, costs = _sites(sites)
    costs = [cost * scale for cost in costs]
    least = sum(cost.min() for cost in costs)
    widths = choose_widths(values, costs, least + more, ticks=500)
    assert _worth(costs, widths) <= least + more + 1e-9
    lower = max(least + more - len(costs) * more / 500 - 1e-6, least)
    assert _worth(values, widths) >= _best(values, costs, lower)


def test_a_budget_below_the_cheapest_widths_is_named():
    with pytest.raises(ValueError, match=r"cheapest width of every site, together 2.*budget=1.5"):
        choose_widths([np.ones(2)] * 2, [np.array([1.0, 2.0])] * 2, 1.5)


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.lists(st.floats(0, 5), min_size=1, max_size=4), min_size=1, max_size=3),
    # A unit of cost is a whole number of ticks.
    st.sampled_from([0, 1, 2, 4, 8]),
)
def test_the_projection_is_the_nearest_of_all_supports(sizes, more):
    """Of all groups that may stay, those whose removal changes the weights least."""
    sizes = [np.array(size) for size in sizes]
    costs = [np.arange(1.0, len(size) + 1) for size in sizes]
    budget = float(len(sizes) + more)
    kept = largest_groups(sizes, costs, budget)
    assert sum(chosen.sum() for chosen in kept) <= budget and all(k.any() for k in kept)
    lost = sum(np.square(size[~chosen]).sum() for size, chosen in zip(sizes, kept, strict=True))
    supports = [
        [np.array(s, bool) for s in itertools.product((0, 1), repeat=len(size)) if any(s)]
        for size in sizes
    ]
    nearest = min(
        sum(np.square(size[~s]).sum() for size, s in zip(sizes, choice, strict=True))
        for choice in itertools.product(*supports)
        if sum(s.sum() for s in choice) <= budget
    )
    assert lost == pytest.approx(nearest, abs=1e-9)


@given(
    st.dictionaries(st.integers(1, 40), st.floats(0.001, 9), min_size=1, max_size=6),
    st.integers(1, 50),
)
def test_interpolated_latencies_never_fall_and_are_those_of_the_steps(steps, groups):
    steps = sorted(steps.items())
    costs = costs_of_widths(steps, groups)
    assert costs.shape == (groups,) and (np.diff(costs) >= 0).all()
    so_far = -np.inf
    for width, latency in steps:
        so_far = max(so_far, latency)
        if width <= groups:
            assert costs[width - 1] == pytest.approx(so_far)


def test_a_table_is_a_small_file_and_another_file_is_none(tmp_path):
    table = kr.LatencyTable(
        milliseconds=0.8,
        parts=[("ffn", 128)] * 4,
        steps={"ffn": [(128, 0.0059), (64, 0.0041), (72, 0.0053)]},
        measured={"cpu": "some CPU"},
    )
    table.save(tmp_path / "table.json")
    again = kr.LatencyTable.load(tmp_path / "table.json")
    assert again == table and (tmp_path / "table.json").stat().st_size < 1000
    # Half the units: four times the difference of the two steps.
    assert again.predicted([("ffn", 64)] * 4) == pytest.approx(0.8 - 4 * 0.0018)
    for content in ("no JSON", "[]", "{}", json.dumps({**vars(table), "milliseconds": 0})):
        (tmp_path / "bad.json").write_text(content)
        with pytest.raises(ValueError, match=r"bad.json' is no latency table, which `python -m"):
            kr.LatencyTable.load(tmp_path / "bad.json")
