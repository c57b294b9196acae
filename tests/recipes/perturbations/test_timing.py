import numpy as np
import pytest

from recipes.common.perturbations import timing

ONES = np.ones(9, "float32")


def test_zeros_and_cuts_by_hand():
    assert timing.add_zeros(ONES, before=2, after=1).tolist() == [0, 0, *[1] * 9, 0]
    ramp = np.arange(9, dtype="float32")
    assert timing.cut(ramp, begin=1).tolist() == list(range(1, 9))
    assert timing.cut(ramp, end=2).tolist() == list(range(7))
    assert timing.cut(ramp).tolist() == ramp.tolist()
    # Of something short a third stays.
    assert timing.cut(ramp, begin=1000, end=1000).tolist() == [3, 4, 5]


def test_noise_around_leaves_the_clip_alone():
    rng = np.random.default_rng(0)
    found = timing.add_noise_around(ONES, rng, before=40000, after=20000, decibels=-60)
    np.testing.assert_array_equal(found[40000:40009], ONES)
    for part in (found[:40000], found[40009:]):
        assert 20 * np.log10(part.std()) == pytest.approx(-60, abs=0.1)
    assert len(found) == 60009
