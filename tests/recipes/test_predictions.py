import dataclasses

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from recipes.common.results.decisions import Decision
from recipes.common.results.predictions import (
    Predictions,
    pooled,
    read_predictions,
    write_predictions,
)
from recipes.common.tasks.classes import Classes

# Any characters but control codes and surrogates, which have no place in a manifest either.
TEXT = st.text(st.characters(exclude_categories=["Cc", "Cs"]) | st.just("\n"), max_size=6)
DECISIONS = st.lists(
    st.tuples(TEXT, TEXT, TEXT, st.integers(0, 2), st.integers(0, 2)),
    min_size=1,
    max_size=6,
    unique_by=lambda row: row[0],
)


def made_of(rows, labels=("a", "b", "c"), fold="1", split="test", majority=0, seed=0):
    decisions = [
        Decision(id=name, speaker=speaker, sex=sex, label=label, prediction=prediction)
        for name, speaker, sex, label, prediction in rows
    ]
    scores = np.random.default_rng(seed).dirichlet(np.ones(len(labels)), size=len(rows))
    return Predictions.of(
        decisions, scores, task=Classes(labels), fold=fold, split=split, majority=majority
    )


def assert_same(first, second):
    assert first.task == second.task
    for field in dataclasses.fields(first):
        assert np.array_equal(getattr(first, field.name), getattr(second, field.name)), field.name


ROWS = [("u1", "x", "f", 0, 0), ("u2", "x", "f", 1, 0), ("u3", "y", "m", 2, 2)]


@given(DECISIONS, st.lists(TEXT, min_size=3, max_size=3, unique=True))
@settings(
    max_examples=30,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    deadline=None,
)
def test_reading_gives_back_what_was_written(tmp_path, rows, labels):
    expected = pooled([made_of(rows, labels), made_of(rows, labels, fold="2", majority=1, seed=1)])
    write_predictions(tmp_path / "p.csv", expected)
    assert_same(read_predictions(tmp_path / "p.csv", expected.task), expected)


def test_the_file(tmp_path):
    found = made_of(ROWS)
    write_predictions(tmp_path / "p.csv", found)
    header, first, *others = (tmp_path / "p.csv").read_text().splitlines()
    assert header == (
        "id,speaker,sex,fold,split,label,prediction,majority,"
        "probability_a,probability_b,probability_c"
    )
    assert first.startswith("u1,x,f,1,test,a,a,a,0.")
    assert len(others) == 2
    assert [path.name for path in tmp_path.iterdir()] == ["p.csv"]


def test_predictions_of_earlier_versions_are_read(tmp_path):
    """A split was called a part."""
    found = made_of(ROWS)
    write_predictions(tmp_path / "now.csv", found)
    text = (tmp_path / "now.csv").read_text(encoding="utf-8")
    (tmp_path / "former.csv").write_text(text.replace(",split,", ",part,", 1), encoding="utf-8")
    assert_same(read_predictions(tmp_path / "former.csv", found.task), found)


def test_splits_and_folds_are_chosen_and_pooled():
    one, two = made_of(ROWS), made_of(ROWS[:2], fold="2", seed=1)
    dev = made_of(ROWS[1:], split="dev")
    every = pooled([one, two, dev])
    assert len(every) == 7
    assert_same(every.where(fold="1", split="test"), one)
    assert_same(every.where(fold="2"), two)
    assert_same(every.where(split="dev"), dev)
    assert_same(pooled([one]), one)
    with pytest.raises(ValueError, match="`split` must be one of test, dev. Received: 'tset'"):
        every.where(split="tset")
    with pytest.raises(ValueError, match="`split` must be one of test. Received: 'dev'"):
        every.where(fold="2", split="dev")


def test_what_can_not_be_pooled():
    with pytest.raises(ValueError, match="Received: no predictions"):
        pooled([])
    with pytest.raises(ValueError, match="same labels in the same order"):
        pooled([made_of(ROWS), made_of(ROWS, labels=("b", "a", "c"))])
    with pytest.raises(ValueError, match="'u1' twice in split 'test' of fold '1'"):
        pooled([made_of(ROWS), made_of(ROWS)])
    with pytest.raises(ValueError, match="at least one decision"):
        made_of([])
    with pytest.raises(ValueError, match=r"of 1 decisions and 2 labels. Received: shape \(1, 3\)"):
        decision = Decision(id="a", speaker="x", sex="", label=0, prediction=0)
        Predictions.of(
            [decision], np.ones((1, 3)) / 3, task=Classes("ab"), fold="1", split="test", majority=0
        )


HEADER = "id,speaker,sex,fold,split,label,prediction,majority,probability_a,probability_b\n"
GOOD = "u,x,f,1,test,a,b,a,0.4,0.6\n"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "without id, speaker, .*, probability_a, probability_b"),
        (HEADER.replace(",split", ""), "without split"),
        (HEADER, "at least one decision"),
        (
            HEADER + GOOD + GOOD.replace("a,b,a", "a,c,a"),
            "`prediction` must be one of a, b.*line 3",
        ),
        (HEADER + GOOD.replace("test,a", "test,"), "`label` must be one of a, b. Received: ''"),
        (HEADER + GOOD.replace("0.4", "much"), "must be a number. Received: 'much'"),
        (HEADER + GOOD.replace("0.4", "nan"), "must be a number. Received: 'nan'"),
        (HEADER + GOOD.replace(",0.6", ""), "a value for every column.*line 2"),
        (HEADER + GOOD.replace("0.6", "0.6,1"), "a value for every column.*line 2"),
        (HEADER + GOOD + GOOD, "'u' twice"),
        (HEADER + '"u', "is no CSV file"),
    ],
)
def test_bad_files(tmp_path, text, message):
    (tmp_path / "p.csv").write_text(text)
    with pytest.raises(ValueError, match=message):
        read_predictions(tmp_path / "p.csv", Classes("ab"))


def test_other_bad_files(tmp_path):
    with pytest.raises(FileNotFoundError, match="evaluate the run first"):
        read_predictions(tmp_path / "p.csv", Classes("ab"))
    (tmp_path / "p.csv").write_bytes(b"\xff\xfe")
    with pytest.raises(ValueError, match="is no CSV file"):
        read_predictions(tmp_path / "p.csv", Classes("ab"))


@given(st.text(max_size=60))
@settings(
    max_examples=30,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    deadline=None,
)
def test_garbage_is_a_clear_error(tmp_path, text):
    (tmp_path / "p.csv").write_bytes((HEADER + text).encode("utf-8", "surrogatepass"))
    with pytest.raises(ValueError, match=r"Received|CSV"):
        read_predictions(tmp_path / "p.csv", Classes("ab"))
