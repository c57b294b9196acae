import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recipes.common.protocol.fold import Example
from recipes.common.results import decisions
from recipes.common.tasks.classes import Classes

THREE = Classes(("a", "b", "c"))


def decide(examples, scores, **options):
    return decisions.decide(examples, scores, THREE, **options)


def example(name, decision=None, *, label=0, speaker="1", sex="f"):
    return Example(
        id=name, segments=(), label=label, speaker=speaker, sex=sex, decision=decision or name
    )


# A decision's examples, as rows of probabilities of three classes.
ROWS = st.lists(
    st.lists(st.integers(1, 99), min_size=3, max_size=3).map(lambda w: np.array(w) / sum(w)),
    min_size=1,
    max_size=7,
)


def test_mean_and_vote_differ_where_few_are_sure():
    examples = [example(name, "p") for name in "abc"]
    scores = np.array([[0.9, 0.1], [0.4, 0.6], [0.45, 0.55]])
    (mean,), means = decide(examples, scores)
    (vote,), again = decide(examples, scores, rule="vote")
    assert (mean.prediction, vote.prediction) == (0, 1)
    assert np.allclose(means, [[0.58333, 0.41667]], atol=1e-5)
    assert np.array_equal(means, again)
    assert (vote.id, vote.speaker, vote.sex, vote.label) == ("p", "1", "f", 0)


def test_tied_votes_go_to_the_higher_mean_of_the_tied():
    examples = [example(name, "p") for name in "abcd"]
    # Two votes each for 1 and 2; the mean of class 0 is the highest, but has no vote.
    scores = np.array([[0.45, 0.55, 0], [0.45, 0.55, 0], [0.4, 0, 0.6], [0.4, 0, 0.6]])
    assert decide(examples, scores)[0][0].prediction == 0
    assert decide(examples, scores, rule="vote")[0][0].prediction == 2


@settings(max_examples=40, deadline=None)
@given(st.lists(ROWS, min_size=1, max_size=4), st.sampled_from(["mean", "vote"]), st.randoms())
def test_the_order_of_examples_changes_nothing(participants, rule, random):
    pairs = [
        (example(f"{p}-{i}", str(p), label=p % 3, speaker=str(p)), row)
        for p, rows in enumerate(participants)
        for i, row in enumerate(rows)
    ]
    found, scores = decide(*zip(*pairs, strict=True), rule=rule)
    assert [decision.id for decision in found] == [str(p) for p in range(len(participants))]
    for rows, decision, mean in zip(participants, found, scores, strict=True):
        assert np.allclose(mean, np.mean(rows, axis=0))
        if rule == "mean":
            assert mean[decision.prediction] == max(mean)
        else:
            votes = np.bincount([row.argmax() for row in rows], minlength=3)
            assert votes[decision.prediction] == votes.max()
            tied = np.flatnonzero(votes == votes.max())
            assert mean[decision.prediction] == max(mean[tied])
    random.shuffle(pairs)
    others, other_scores = decide(*zip(*pairs, strict=True), rule=rule)
    order = np.argsort([int(decision.id) for decision in others])
    assert [others[i] for i in order] == found
    # To the last bit.
    assert np.array_equal(other_scores[order], scores)


@settings(max_examples=30, deadline=None)
@given(ROWS)
def test_of_single_examples_both_rules_say_the_same(rows):
    examples = [example(str(i)) for i in range(len(rows))]
    mean, scores = decide(examples, rows)
    assert mean == decide(examples, rows, rule="vote")[0]
    assert np.array_equal(scores, rows)
    assert [decision.prediction for decision in mean] == np.argmax(rows, axis=1).tolist()


@pytest.mark.parametrize(
    ("scores", "message"),
    [
        (np.zeros((0, 2)), "at least one example"),
        ([[0.5, 0.5]], r"shape \(1, 2\) for 2 examples"),
        ([0.5, 0.5], r"shape \(2,\)"),
        ([[0.5, 0.5], [2.0, -1.0]], "must be probabilities.*for 'b'"),
        ([[0.5, 0.5], [np.nan, 1.0]], "must be probabilities.*for 'b'"),
        ([[0.1, 0.2], [0.5, 0.5]], "must be probabilities.*for 'a'"),
    ],
)
def test_bad_scores(scores, message):
    with pytest.raises(ValueError, match=message):
        decide([example("a"), example("b")], scores)


def test_other_bad_input():
    half = [[0.5, 0.5]] * 2
    with pytest.raises(ValueError, match="must be 'mean' or 'vote'. Received: rule='max'"):
        decide([example("a"), example("b")], half, rule="max")
    for other in ({"label": 1}, {"speaker": "2"}, {"sex": "m"}):
        with pytest.raises(ValueError, match="same speaker, sex and label.*for 'p'"):
            decide([example("a", "p"), example("b", "p", **other)], half)
    with pytest.raises(ValueError, match="at least one example"):
        decisions.baseline([], THREE)


def test_majority_counts_decisions_not_examples():
    examples = [example(f"long{i}", "long", label=0) for i in range(9)]
    examples += [example("x", label=2), example("y", label=2)]
    assert decisions.baseline(examples, THREE) == 2
    assert decisions.baseline(examples[:-1], THREE) == 0
