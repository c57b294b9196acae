"""Outcomes and verdicts of classes that are given, by hand and by scikit-learn."""

import numpy as np
import pytest
from sklearn.metrics import balanced_accuracy_score

from recipes.robustness import verdict
from recipes.robustness.conditions import CLEAN_TESTS, CONDITIONS, SHORT, chosen
from recipes.robustness.listener import NONE
from recipes.robustness.marks import MARKS, Mark
from recipes.robustness.outcome import Heard

LABELS = ("anger", "neutral", "sadness")


def heard(truth, clean, sexes=None):
    return Heard(
        LABELS,
        np.array(truth),
        np.array(sexes or ["female", "male"] * (len(truth) // 2)),
        np.array([f"speaker {i % 3}" for i in range(len(truth))]),
        np.array(clean),
    )


def test_no_class_is_wrong_and_changed():
    everyone = heard([0, 0, 1, 1], [0, 0, 1, NONE])
    found = everyone.outcome("gain-30", "softer", np.array([0, NONE, 1, NONE]))
    assert found.ua == pytest.approx((1 / 2 + 1 / 2) / 2)
    assert found.ua_fall == pytest.approx((1 + 1 / 2) / 2 - 1 / 2)
    # The last clip had no class before, and has none now: that is no class that is kept.
    assert found.unchanged == 2 / 4
    assert found.answers == {"anger": 0.25, "neutral": 0.25, "sadness": 0, "none": 0.5}
    assert found.by_sex["male"].ua == 0 and found.by_sex["male"].unchanged == 0
    assert found.by_sex["female"].ua == 1 and found.by_sex["female"].clips == 2


def test_figures_of_random_classes_are_scikit_learn_s():
    rng = np.random.default_rng(0)
    truth, clean, changed = rng.integers(0, 3, (3, 60))
    found = heard(truth, clean).outcome("white", "noise", changed)
    assert found.ua == pytest.approx(balanced_accuracy_score(truth, changed))
    assert found.ua_fall == pytest.approx(balanced_accuracy_score(truth, clean) - found.ua)
    assert found.unchanged == pytest.approx((clean == changed).mean())
    for number in range(3):
        of = np.arange(60) % 3 == number
        speaker = found.by_speaker[f"speaker {number}"]
        assert speaker.ua == pytest.approx(balanced_accuracy_score(truth[of], changed[of]))


def test_clean_tests_by_hand():
    #             anger      neutral    sadness
    everyone = heard([0, 0, 0, 0, 1, 1, 1, 1], [0, 0, 0, 1, 1, 2, NONE, 1])
    found = {(v.mark.figure, v.of): v for v in verdict.of_clean(CLEAN_TESTS, everyone)}
    assert found["ua", ""].value == pytest.approx((3 / 4 + 2 / 4) / 2)
    assert found["recall", "neutral"].value == 2 / 4 and found["recall", "neutral"].passed
    assert found["precision", "neutral"].value == pytest.approx(2 / 3)
    assert found["mean_precision", ""].value == pytest.approx((1 + 2 / 3) / 2)
    # Nobody is sad: there is no recall of it, but the answer is one too many.
    assert ("recall", "sadness") not in found
    assert found["share_difference", "sadness"].value == 1 / 8
    assert found["share_difference", "anger"].value == 3 / 8 - 4 / 8
    # Female: 0 0 1 1 as 0 0 1 -; male: 0 0 1 1 as 0 1 2 1.
    assert found["ua_difference", "female"].value == pytest.approx(3 / 4 - 5 / 8)
    assert found["ua_difference", "male"].value == pytest.approx(1 / 2 - 5 / 8)
    assert not found["ua_difference", "male"].passed


def test_a_class_that_is_never_answered_has_the_precision_0():
    verdicts = verdict.of_clean(["correctness"], heard([0, 0, 1, 1], [0, 0, 0, 0]))
    found = {(v.mark.figure, v.of): v for v in verdicts}
    assert found["precision", "neutral"].value == 0 and not found["precision", "neutral"].passed


def test_one_sex_alone():
    everyone = heard([0, 1], [0, 1], ["female", "female"])
    assert verdict.of_clean(["sex"], everyone) == []
    assert "both sexes; received 1" in verdict.why_no_sexes(everyone)
    assert verdict.why_no_sexes(heard([0, 1], [0, 1])) is None


@pytest.mark.parametrize(
    ("least", "figure", "value", "passed"),
    [
        (True, "unchanged", 0.95, True),
        (True, "unchanged", 0.9499, False),
        (True, "unchanged", 1 - 0.05, True),
        (False, "ua_fall", 0.95, True),
        (False, "ua_fall", 0.951, False),
        # Better than before is no fall; a difference counts either way.
        (False, "ua_fall", -1.0, True),
        (False, "ua_difference", -1.0, False),
    ],
)
def test_marks_at_their_limit(least, figure, value, passed):
    assert Mark(figure=figure, least=least, limit=0.95, source="").passed(value) is passed


def test_the_field_s_marks():
    """As they stand in audEERING's `test/emotion/*.yaml`."""
    limits = {
        name: {mark.figure: mark.limit for mark in marks if "ser-tests" in mark.source}
        for name, marks in MARKS.items()
    }
    assert limits["small"] == {"unchanged": 0.95}
    assert limits["background"] == {"ua_fall": 0.05, "unchanged": 0.9}
    assert limits["telephone"] == {"ua_fall": 0.05, "unchanged": 0.5}
    assert limits["tilt"] == {"ua_fall": 0.02, "unchanged": 0.8}
    assert limits["rooms"] == {"unchanged": 0.8}
    assert set(limits["correctness"].values()) == {0.5} and len(limits["correctness"]) == 4
    assert limits["distribution"] == {"share_difference": 0.15}
    assert limits["sex"] == {"ua_difference": 0.075}


def test_names_of_tests():
    everything, clean = chosen(None)
    families = [condition.family for condition in everything]
    assert families.count("small") == 10 and families.count("background") == 6
    assert clean == ["correctness", "distribution", "sex"]
    some, clean = chosen(["sex", "tilt", "room"])
    assert [c.name for c in some] == ["tilt-up", "tilt-down", "room"] and clean == ["sex"]
    assert set(SHORT) <= {*CONDITIONS, *CLEAN_TESTS}
    # A name is a test, or a family of several.
    several = {family for family in families if families.count(family) > 1}
    assert not several & set(CONDITIONS)
