"""Classes, labels and numbers as one object."""

import ast
from pathlib import Path

import numpy as np
import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, f1_score

from keras_reparam._utils.concordance import concordance
from recipes.common.manifest import Segment, manifest_hash, read_manifest, write_manifest
from recipes.common.protocol.fold import Example
from recipes.common.results.decisions import baseline, decide
from recipes.common.results.predictions import Predictions, read_predictions, write_predictions
from recipes.common.results.results import results_of
from recipes.common.settings import RecipeSettings
from recipes.common.tasks.classes import Classes
from recipes.common.tasks.distribution import Distribution
from recipes.common.tasks.multilabel import Multilabel
from recipes.common.tasks.multilabel_metrics import evaluate_labels, resampled_labels
from recipes.common.tasks.of_column import classes_of, labels_of, numbers_of
from recipes.common.tasks.regression import Regression
from recipes.common.tasks.regression_metrics import evaluate_numbers, figures_of_sums, sums_of

AGE = Regression(("age",), "age", range=(20, 80), unit="years")
HEARD = Distribution("abc", "votes")
MOODS = Multilabel(("fear", "joy", "surprise"), "moods")
ROOT = Path(__file__).resolve().parents[3]
NUMBERS = st.lists(
    st.tuples(st.integers(-50, 50), st.integers(-50, 50)), min_size=2, max_size=30
).map(np.array)


def segment(name, label="", **more):
    return Segment(
        id=name, path=f"{name}.wav", start=None, end=None, speaker=name[0], sex="", label=label,
        split="", fold="", session="", text_id="", more=tuple(more.items()),
        where=f"clips.csv:{name[1:]}",
    )  # fmt: skip


# Figures.


@given(NUMBERS)
def test_figures_of_numbers(pairs):
    truth, said = pairs.T.astype(float)
    found = evaluate_numbers(truth, said)
    assert found.mae == pytest.approx(np.abs(truth - said).mean())
    apart = truth.var() + said.var() + (truth.mean() - said.mean()) ** 2
    expected = 2 * np.mean((truth - truth.mean()) * (said - said.mean())) / (apart or 1)
    assert found.ccc == pytest.approx(expected, abs=1e-12)
    if truth.std() and said.std():
        assert found.pearson == pytest.approx(scipy.stats.pearsonr(truth, said)[0], abs=1e-9)
        assert abs(found.ccc) <= abs(found.pearson) + 1e-9
    else:
        assert (found.pearson, found.ccc) == (0, 0)
    # The closed form of sums is the same, also of whole groups that come several times.
    owners = np.arange(len(truth)) % 3
    times = np.array([2, 1, 3])
    sums = times @ sums_of(truth, said, owners, 3)
    again = [np.repeat(each, times[owners]) for each in (truth, said)]
    expected = evaluate_numbers(*again)
    for name, value in figures_of_sums(sums).items():
        assert value == pytest.approx(getattr(expected, name), abs=1e-9)


def test_concordance_of_equal_and_constant_values():
    values = np.array([1.0, 4.0, 2.0])
    assert concordance(values, values) == 1
    assert concordance(values, np.full(3, 2.0)) == concordance(np.ones(3), np.ones(3)) == 0
    assert concordance(values, values + 1) < 1


def test_figures_of_labels():
    rng = np.random.default_rng(0)
    truth = rng.random((40, 3)) < [0.5, 0.2, 0]
    # With ties.
    scores = np.round(np.clip(truth * 0.3 + rng.random((40, 3)) * 0.7, 0, 1), 1)
    said = scores >= 0.5
    found = evaluate_labels(truth, said, scores, "abc")
    expected = [average_precision_score(truth[:, i], scores[:, i]) for i in range(2)]
    assert found.map == pytest.approx(np.mean(expected)) and found.average_precision["c"] is None
    assert found.macro_f1 == pytest.approx(
        np.mean([f1_score(truth[:, i], said[:, i]) for i in range(2)])
    )
    assert found.micro_f1 == pytest.approx(f1_score(truth, said, average="micro"))
    # Resampled speakers are as if their clips were there as often.
    owners, drawn = np.arange(40) % 4, np.array([[1.0, 1, 1, 1], [3, 0, 1, 0]])
    resampled = resampled_labels(truth, said, scores, owners, drawn)
    for row, times in enumerate(drawn.astype(int)):
        again = [np.repeat(each, times[owners], axis=0) for each in (truth, said, scores)]
        expected = evaluate_labels(*again, "abc")
        for name, values in resampled.items():
            assert values[row] == pytest.approx(getattr(expected, name))


# Decisions, and what is written of them.


def made(task, values, scores):
    examples = [
        Example(
            id=str(i), segments=(), label=value, speaker=str(i % 4), sex="fm"[i % 2],
            decision=str(i // 2),
        )
        for i, value in enumerate(values)
    ]  # fmt: skip
    examples = [
        Example(**{**vars(e), "speaker": str(i // 2 % 4), "sex": "fm"[i // 2 % 2]})
        for i, e in enumerate(examples)
    ]
    decisions, means = decide(examples, scores, task)
    about = {"fold": "1", "split": "test", "majority": baseline(examples, task)}
    return Predictions.of(decisions, means, task=task, **about)


@pytest.fixture(params=["classes", "distribution", "multilabel", "regression"])
def predictions(request):
    rng = np.random.default_rng(0)
    if request.param == "classes":
        values = rng.integers(3, size=20).repeat(2).tolist()
        return made(Classes("abc"), values, rng.dirichlet(np.ones(3), 40))
    if request.param == "distribution":
        shares = rng.dirichlet(np.ones(3), 20).repeat(2, axis=0)
        scores = 0.5 * shares + 0.5 * rng.dirichlet(np.ones(3), 40)
        return made(HEARD, [tuple(row) for row in shares.tolist()], scores)
    if request.param == "multilabel":
        values = [tuple(row) for row in rng.integers(2, size=(20, 3)).repeat(2, axis=0).tolist()]
        return made(MOODS, values, rng.random((40, 3)))
    values = rng.uniform(20, 80, 20).repeat(2)
    return made(AGE, values.tolist(), values[:, None] + rng.normal(0, 5, (40, 1)))


def test_files_give_back_what_was_decided(predictions, tmp_path):
    write_predictions(tmp_path / "p.csv", predictions)
    found = read_predictions(tmp_path / "p.csv", predictions.task)
    for name in ("id", "speaker", "truth", "predicted", "majority", "scores"):
        assert np.array_equal(getattr(found, name), getattr(predictions, name))
    other = Classes(("x", "y"))
    with pytest.raises(ValueError, match="must have the columns .*probability_x"):
        read_predictions(tmp_path / "p.csv", other)


def test_results_of_every_kind(predictions, tmp_path):
    task, results = predictions.task, results_of(predictions)
    whole = task.evaluate(*predictions.decided)
    assert set(results.by_sex) == {"f", "m"} and len(results.by_speaker) == 4
    for name, figure in task.figures.items():
        value = getattr(results, name)
        assert value == getattr(whole, name)
        low, high = results.intervals[name]
        assert low <= value <= high and low < high
        assert figure.text(value)
    first = next(iter(task.figures))
    assert results.majority[first] < getattr(results, first)
    columns, rows = results.parts
    assert rows and all(len(row) == len(columns) for row in rows)
    task.draw(tmp_path / task.picture, predictions.decided, results, title="t", subtitle="s")
    assert (tmp_path / task.picture).stat().st_size > 1000
    assert task.agreement(predictions.predicted, predictions.predicted) == 1


def test_shares_of_people():
    words = ("a:1;c:3", "b:2", "a:2;b:2", "c:0.5;a:0.5", "b")
    values = [HEARD.value_of(segment("s1", votes=word)) for word in words]
    assert values == [(0.25, 0, 0.75), (0, 1, 0), (0.5, 0.5, 0), (0.5, 0, 0.5), (0, 1, 0)]
    for word in ("", "d:1", "a:-1;b:2", "a:nan", "a:0", "a:x", "a;;b"):
        assert HEARD.value_of(segment("s1", votes=word)) is None
    assert HEARD.strata(values) == [2, 1, 0, 0, 1] and HEARD.word(HEARD.baseline(values)) == "a"
    assert HEARD.unlearnable(values[1:3]) == ["c"]
    # As of classes, where all agree.
    certain = [tuple(row) for row in np.eye(3)[[0, 1, 1, 2]].tolist()]
    assert np.allclose(HEARD.rarity(certain), Classes("abc").rarity([0, 1, 1, 2]))
    shares, said = HEARD.array(values), np.random.default_rng(0).dirichlet(np.ones(3), 5)
    found = HEARD.evaluate(shares, np.eye(3)[said.argmax(axis=1)], said)
    pairs = zip(shares, said, strict=True)
    expected = [scipy.stats.entropy(p) + scipy.stats.entropy(p, q) for p, q in pairs]
    assert found.cross_entropy == pytest.approx(np.mean(expected))
    most = Classes("abc").evaluate(shares.argmax(axis=1), said.argmax(axis=1), said)
    assert (found.ua, found.confusion) == (most.ua, most.confusion)
    wrong, margins = HEARD.clearness(values, said)
    assert wrong.tolist() == (shares.argmax(axis=1) != said.argmax(axis=1)).tolist()
    assert margins.min() > 0


def test_targets_and_scores_of_numbers():
    task = AGE
    factor, offset = task.scale
    values = [20.0, 37.5, 80.0]
    assert np.allclose(factor * task.targets(values)[:, 0] + offset, values)
    with pytest.raises(ValueError, match="must be numbers for every example"):
        made(AGE, [30.0, 30.0], [[np.nan], [1.0]])
    with pytest.raises(ValueError, match="A vote is one of classes"):
        decide([example_of(30.0)], [[3.0]], AGE, rule="vote")
    with pytest.raises(ValueError, match="`teacher` must be None.*`latent_teacher`"):
        AGE.check(
            RecipeSettings(
                teacher="whisper_tiny_en", quantizer="int8", latent_teacher=True, select_on="last"
            )
        )
    with pytest.raises(ValueError, match="one of ccc, pearson, last and is 'ua'"):
        AGE.check(RecipeSettings())


def example_of(value):
    return Example(id="a", segments=(), label=value, speaker="s", sex="", decision="a")


# Columns.

GOOD = [
    segment("a2", age="31", moods="joy;fear"),
    segment("b3", age="44.5", moods="none"),
    segment("c4", age="70", moods="Joy"),
]


def test_tasks_of_columns():
    age = numbers_of(GOOD, "age", unit="years")
    assert (age.range, age.names, age.unit) == ((31, 70), ("age",), "years")
    assert [age.value_of(each) for each in GOOD] == [31, 44.5, 70]
    moods = labels_of(GOOD, "moods")
    assert moods.names == ("fear", "happiness")
    assert [moods.value_of(each) for each in GOOD] == [(1, 1), (0, 0), (0, 1)]
    assert labels_of(GOOD, "moods", chosen=["fear", "joy"]).names == ("fear", "happiness")
    words = classes_of([segment("a2", x="Young"), segment("b3", x="old")], "x")
    assert (words.names, words.target) == (("old", "young"), "x")


@pytest.mark.parametrize(
    ("make", "cells", "message"),
    [
        (numbers_of, ["31", "old", ""], "number in every row.*'old' in .*:3; '' in clips.csv:4"),
        (numbers_of, ["31", "nan", "inf"], "'nan' in clips.csv:3; 'inf' in clips.csv:4"),
        (numbers_of, ["31", "1,5", "4"], "decimals behind a point. Received: '1,5' in clips.csv:3"),
        (numbers_of, ["3", "3.0", "3"], "two different numbers.*Received: 3 in all 3 rows"),
        (
            lambda s, t: numbers_of(s, t, range=(0, 40)),
            ["31", "41", "-1"],
            "from 0 to 40 in every row.*'41' in clips.csv:3; '-1' in clips.csv:4",
        ),
        (labels_of, ["joy;fear", "joy|fear", "a, b"], "with ';' betw.*'joy.fear' in .*:3; 'a, b'"),
        (labels_of, ["joy;fear", "", "?"], "or the word none. Received: '' in clips.csv:3; '.'"),
        (labels_of, ["joy", "joy", "none"], "at least two labels. Received: happiness"),
        (classes_of, ["a", "", "n/a"], "a word in every row. Received: '' in clips.csv:3; 'n/a'"),
        (classes_of, ["a", "A", "a"], "at least two classes. Received: a"),
    ],
)  # fmt: skip
def test_bad_columns_are_one_error_with_lines(make, cells, message):
    segments = [segment(f"a{i}", age=cell) for i, cell in enumerate(cells, start=2)]
    with pytest.raises(ValueError, match=message):
        make(segments, "age")
    with pytest.raises(ValueError, match="must be a column. Received: target='height'.*, age"):
        make(segments, "height")


def test_many_bad_rows_are_counted():
    segments = [segment(f"a{i}", age="old") for i in range(30)]
    with pytest.raises(ValueError, match="'old' in clips.csv:7; and 22 more$"):
        numbers_of(segments, "age")


def test_manifests_keep_further_columns(tmp_path):
    path = tmp_path / "manifest.csv"
    plain = [segment(name, label="joy") for name in ("a2", "b3")]
    write_manifest(path, plain)
    before = manifest_hash(path)
    write_manifest(
        path, [segment(n, label="joy", age=age) for n, age in (("a2", "3"), ("b3", "4"))]
    )
    assert [s.cell("age") for s in read_manifest(path)] == ["3", "4"]
    # Runs on the label are those of before; those on the age depend on it.
    assert manifest_hash(path) == before != manifest_hash(path, "age")
    assert read_manifest(path)[1].where == f"'{path}', line 3"


# Nobody else asks.

KINDS = {"classes", "distribution", "multilabel", "regression", "softmax", "sigmoid", "linear"}
# The objects themselves.
INSIDE = {
    *(ROOT / "recipes/common/tasks").glob("*.py"),
    *(ROOT / "keras_reparam/deploy/tflite").glob("*head*.py"),
}


def asked(tree):
    """Lines on which a kind is asked for: compared with its name, or as an instance of it."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Compare):
            sides = [node.left, *node.comparators]
            words = {s.value for s in sides if isinstance(s, ast.Constant)}
            if words & KINDS:
                yield node.lineno
        elif isinstance(node, ast.Call) and getattr(node.func, "id", "") == "isinstance":
            names = {n.id for n in ast.walk(node.args[1]) if isinstance(n, ast.Name)}
            if names & {"Classes", "Distribution", "Multilabel", "Regression", "SoftmaxHead",
                        "SigmoidHead", "LinearHead"}:  # fmt: skip
                yield node.lineno


def test_nothing_outside_asks_which_kind_it_is():
    # Layers and what is made of them know activations, and no tasks.
    folders = (
        "recipes",
        *(f"keras_reparam/{n}" for n in ("deploy", "demo", "microphone", "audio")),
    )
    paths = {path for folder in folders for path in (ROOT / folder).rglob("*.py")} - INSIDE
    paths.add(ROOT / "keras_reparam/cli.py")
    found = [
        f"{path.relative_to(ROOT)}:{line}"
        for path in sorted(paths)
        for line in asked(ast.parse(path.read_text(encoding="utf-8")))
    ]
    assert found == []


def test_only_those_who_make_a_task_import_its_kind():
    makers = {"protocol.py", "corpus.py", "clips.py", "run.py"}
    # Kept in tables by what `saved` makes of it, whichever it is.
    savers = {"recipes.common.tasks.saved"}
    for path in sorted((ROOT / "recipes").rglob("*.py")):
        names = {
            node.module or ""
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
            if isinstance(node, ast.ImportFrom)
        }
        kinds = {name for name in names - savers if name.startswith("recipes.common.tasks.")}
        if path not in INSIDE and kinds:
            own = path.relative_to(ROOT / "recipes")
            assert own.parts[0] != "common" and own.name in makers, path
