import time

import numpy as np
import pytest
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st

from recipes.common.results.intervals import figures_of_confusions, intervals
from recipes.common.results.metrics import FIGURES, evaluate

LABELS = tuple("abcd")


def made_up(clips, speakers, classes=4, seed=0):
    """Speakers differ in how well they are understood, and in their numbers of clips."""
    rng = np.random.default_rng(seed)
    chance = rng.dirichlet(np.full(speakers, 4.0))
    speaker = np.concatenate(
        [np.arange(speakers), rng.choice(speakers, clips - speakers, p=chance)]
    )
    truth = rng.integers(classes, size=clips)
    right = rng.random(clips) < rng.uniform(0.3, 0.95, speakers)[speaker]
    predicted = np.where(right, truth, rng.integers(classes, size=clips))
    return truth, predicted, np.array([f"s{number}" for number in speaker])


def test_a_plain_loop_finds_the_same():
    truth, predicted, speaker = made_up(400, 12)
    found = intervals(truth, predicted, speaker, num_classes=4)
    rng = np.random.default_rng(7)
    clips_of = {name: np.flatnonzero(speaker == name) for name in np.unique(speaker)}
    names = list(clips_of)
    values = {name: [] for name in FIGURES}
    for _ in range(1000):
        drawn = np.concatenate([clips_of[rng.choice(names)] for _ in names])
        t, p = truth[drawn], predicted[drawn]
        recalls, f1s, sizes = [], [], []
        for label in set(t.tolist()):
            hits, size, said = np.sum((t == label) & (p == label)), np.sum(t == label), p == label
            recalls.append(hits / size)
            f1s.append(2 * hits / (size + said.sum()))
            sizes.append(size)
        values["ua"].append(np.mean(recalls))
        values["wa"].append(np.mean(t == p))
        values["wf1"].append(np.dot(f1s, sizes) / len(t))
        values["macro_f1"].append(np.mean(f1s))
    for name in FIGURES:
        expected = np.percentile(values[name], [2.5, 97.5])
        # Both are random: the ends' own standard error is 0.003.
        assert np.allclose(found[name], expected, atol=0.012), name
        # Far wider than an interval over clips would be.
        assert found[name][1] - found[name][0] > 0.06


def test_scipy_finds_the_same():
    truth, predicted, speaker = made_up(400, 12)
    names = np.unique(speaker)

    right, clips = (
        np.array([counted[speaker == name].sum() for name in names])
        for counted in (truth == predicted, np.ones(400, int))
    )
    expected = scipy.stats.bootstrap(
        (right, clips),
        lambda right, clips, axis: right.sum(axis=axis) / clips.sum(axis=axis),
        paired=True,
        vectorized=True,
        n_resamples=5000,
        method="percentile",
        random_state=np.random.RandomState(3),
    ).confidence_interval
    found = intervals(truth, predicted, speaker, num_classes=4)["wa"]
    assert np.allclose(found, expected, atol=0.012)


@given(
    st.lists(
        st.tuples(st.integers(0, 3), st.integers(0, 3), st.sampled_from("xyzuv")),
        min_size=3,
        max_size=40,
    ),
    st.randoms(use_true_random=False),
)
@settings(max_examples=20, deadline=None)
def test_properties(clips, random):
    truth, predicted, speaker = zip(*clips, strict=True)
    found = intervals(truth, predicted, speaker, num_classes=4)
    if len(set(speaker)) < 3:
        assert found is None
        return
    assert list(found) == list(FIGURES)
    assert all(0 <= low <= high <= 1 for low, high in found.values())
    # No resample is better than its best speaker, or worse than its worst.
    rights = {name: [t == p for t, p, s in clips if s == name] for name in dict.fromkeys(speaker)}
    shares = [np.mean(right) for right in rights.values()]
    assert min(shares) - 1e-9 <= found["wa"][0] and found["wa"][1] <= max(shares) + 1e-9
    # The order of the clips says nothing.
    shuffled = list(clips)
    random.shuffle(shuffled)
    assert intervals(*zip(*shuffled, strict=True), num_classes=4) == found


def test_speakers_who_are_alike_leave_no_doubt():
    truth, predicted = [0, 0, 1, 1, 1] * 4, [0, 1, 1, 1, 0] * 4
    found = intervals(truth, predicted, np.repeat(list("wxyz"), 5), num_classes=2)
    expected = evaluate(truth, predicted, "ab")
    for name, ends in found.items():
        assert ends == pytest.approx([getattr(expected, name)] * 2)


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=40))
@settings(max_examples=20)
def test_figures_of_confusions_are_those_of_metrics(pairs):
    truth, predicted = np.array(pairs).T
    expected = evaluate(truth, predicted, LABELS)
    found = figures_of_confusions(np.array([expected.confusion, expected.confusion], float))
    for name in FIGURES:
        assert found[name] == pytest.approx([getattr(expected, name)] * 2)


def test_it_covers_the_truth_about_as_often_as_it_says():
    # A population of speakers, each right with a probability of their own, on average 0.7.
    rng = np.random.default_rng(1)
    hits = 0
    for _ in range(100):
        share = rng.beta(7, 3, size=30)
        right = rng.random((30, 20)) < share[:, None]
        truth = np.zeros(600, int)
        speaker = np.repeat(np.arange(30), 20)
        low, high = intervals(truth, 1 - right.ravel(), speaker, num_classes=2)["wa"]
        hits += low <= 0.7 <= high
    assert 86 <= hits <= 100


def test_fewer_than_three_speakers_have_none():
    assert intervals([0, 1], [0, 1], ["a", "b"], num_classes=2) is None
    assert intervals([0, 1, 1], [0, 1, 0], ["a", "b", "c"], num_classes=2) is not None


def test_the_largest_corpus_takes_less_than_a_second():
    clips = made_up(7442, 91, classes=6)
    start = time.perf_counter()
    intervals(*clips, num_classes=6)
    assert time.perf_counter() - start < 1


def test_bad_input():
    with pytest.raises(ValueError, match="Every clip must have a speaker. Received: 2 clips"):
        intervals([0, 1], [0, 1], ["a"], num_classes=2)
    with pytest.raises(ValueError, match="indices of 2 classes"):
        intervals([0, 2], [0, 1], ["a", "b"], num_classes=2)
