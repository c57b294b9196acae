import doctest
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import (
    accuracy_score,
    balanced_accuracy_score,
    confusion_matrix,
    f1_score,
    precision_score,
    recall_score,
)

from recipes.common.results import metrics
from recipes.common.results.metrics import evaluate

LABELS = ("anger", "happiness", "neutral", "sadness")
PAIRS = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=40)


@given(PAIRS)
@settings(max_examples=25, deadline=None)
def test_metrics_are_scikit_learns(pairs):
    truth, predicted = np.array(pairs).T
    found = evaluate(truth, predicted, LABELS)
    present = np.unique(truth)
    options = {"zero_division": 0, "labels": present}
    with warnings.catch_warnings():
        # Of predicted classes that do not occur, and of a single class.
        warnings.simplefilter("ignore")
        assert found.ua == pytest.approx(balanced_accuracy_score(truth, predicted))
    assert found.wa == accuracy_score(truth, predicted)
    assert found.wf1 == pytest.approx(f1_score(truth, predicted, average="weighted"))
    assert found.macro_f1 == pytest.approx(f1_score(truth, predicted, average="macro", **options))
    assert found.confusion == confusion_matrix(truth, predicted, labels=range(4)).tolist()
    assert found.clips == len(pairs)
    for name, score in (("recall", recall_score), ("f1", f1_score)):
        expected = score(truth, predicted, average=None, **options)
        values = getattr(found, name)
        assert [values[LABELS[i]] for i in present] == pytest.approx(expected)
        assert all(values[LABELS[i]] is None for i in range(4) if i not in present)
    named = np.unique(predicted)
    precision = precision_score(truth, predicted, average=None, labels=named, zero_division=0)
    assert [found.precision[LABELS[i]] for i in named] == pytest.approx(precision)
    assert all(found.precision[LABELS[i]] is None for i in range(4) if i not in named)


def test_a_class_that_does_not_occur_counts_nowhere():
    found = evaluate([0, 0, 3], [0, 2, 3], LABELS)
    assert found.recall == {"anger": 0.5, "happiness": None, "neutral": None, "sadness": 1.0}
    assert found.ua == 0.75
    assert found.f1["neutral"] is None
    assert found.precision["neutral"] == 0
    assert found.macro_f1 == pytest.approx((2 / 3 + 1) / 2)
    assert np.shape(found.confusion) == (4, 4)


def test_all_negative_on_the_interviews_development_split():
    # As published: accuracy .657, macro-F1 .397.
    found = evaluate([0] * 23 + [1] * 12, [0] * 35, ("negative", "positive"))
    assert round(found.wa, 3) == 0.657
    assert round(found.macro_f1, 3) == 0.397
    assert found.ua == 0.5


@pytest.mark.parametrize(
    ("truth", "predicted", "message"),
    [
        ([], [], "at least one clip"),
        ([0, 1], [0], r"shapes \(2,\) and \(1,\)"),
        ([[0, 1]], [[0, 1]], "at least one clip"),
        ([0, 4], [0, 1], "`truth` must hold indices of 4 classes. Received: 0 to 4"),
        ([0, 1], [0, -1], "`predicted` must hold indices"),
        ([0, 1], [0.0, 0.5], "`predicted` must hold class indices. Received: float64"),
    ],
)
def test_bad_classes(truth, predicted, message):
    with pytest.raises(ValueError, match=message):
        evaluate(truth, predicted, LABELS)


def test_example_of_the_docstring():
    assert doctest.testmod(metrics).failed == 0
