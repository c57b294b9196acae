import dataclasses
import json
import statistics

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console
from sklearn.metrics import balanced_accuracy_score, f1_score

from recipes.common.files.json_file import read_json, write_json
from recipes.common.results.decisions import Decision
from recipes.common.results.intervals import intervals
from recipes.common.results.metrics import FIGURES, evaluate
from recipes.common.results.pooling import FoldedResults, folded_results
from recipes.common.results.predictions import (
    Predictions,
    pooled,
    read_predictions,
    write_predictions,
)
from recipes.common.results.results import Results, results_of
from recipes.common.results.tables import class_table, folds_table, results_table
from recipes.common.tasks.classes import Classes

LABELS = ("anger", "fear", "neutral")


def made_up(clips=60, speakers=6, *, fold="1", split="test", majority=2, seed=0, classes=3):
    rng = np.random.default_rng(seed)
    truth = rng.integers(classes, size=clips)
    predicted = np.where(rng.random(clips) < 0.6, truth, rng.integers(3, size=clips))
    decisions = [
        Decision(
            id=f"{fold}-{i}",
            speaker=f"{fold}-{i % speakers}",
            sex="fm"[i % speakers % 2],
            label=int(truth[i]),
            prediction=int(predicted[i]),
        )
        for i in range(clips)
    ]
    scores = rng.dirichlet(np.ones(3), size=clips)
    return Predictions.of(
        decisions, scores, task=Classes(LABELS), fold=fold, split=split, majority=majority
    )


def shown(table, width):
    console = Console(width=width)
    with console.capture() as capture:
        console.print(table)
    return capture.get()


def test_results_are_those_of_the_arrays():
    found = made_up()
    results = results_of(found, notes=["Segments were chosen by their label."])
    whole = evaluate(found.truth, found.predicted, LABELS)
    for field in dataclasses.fields(whole):
        assert getattr(results, field.name) == getattr(whole, field.name)
    assert results.speakers == 6
    assert results.intervals == intervals(
        found.truth, found.predicted, found.speaker, num_classes=3
    )
    assert list(results.by_sex) == ["f", "m"]
    for sex, part in results.by_sex.items():
        chosen = found.sex == sex
        assert part == evaluate(found.truth[chosen], found.predicted[chosen], LABELS)
    assert list(results.by_speaker) == [f"1-{i}" for i in range(6)]
    for speaker, part in results.by_speaker.items():
        truth, predicted = (a[found.speaker == speaker] for a in (found.truth, found.predicted))
        assert (part.clips, part.wa) == (10, np.mean(truth == predicted))
        assert part.ua == pytest.approx(balanced_accuracy_score(truth, predicted))
    always = np.full(60, 2)
    assert results.majority["wa"] == np.mean(found.truth == 2)
    assert results.majority["ua"] == pytest.approx(1 / 3)
    assert results.majority["wf1"] == pytest.approx(
        f1_score(found.truth, always, average="weighted")
    )
    assert results.majority["macro_f1"] == pytest.approx(
        f1_score(found.truth, always, average="macro")
    )
    assert results.majority_labels == ("neutral",)
    assert results.notes == ("Segments were chosen by their label.",)


def test_what_a_reader_must_know_is_said():
    results = results_of(made_up(speakers=2, classes=2))
    assert results.intervals is None
    assert results.notes == (
        "No intervals: 3 speakers at least are needed, not 2.",
        "Without any clip, and in no mean over classes: neutral.",
    )
    found = made_up()
    again = dataclasses.replace(found, fold=np.full(60, "2"))
    (note,) = results_of(pooled([found, again])).notes
    assert note == "Clips count once for each of the 2 folds whose model decides."


def test_unknown_sex_is_no_sex():
    found = made_up()
    some = dataclasses.replace(found, sex=np.where(found.sex == "f", "", found.sex))
    assert list(results_of(some).by_sex) == ["m"]
    assert results_of(dataclasses.replace(found, sex=np.full(60, ""))).by_sex == {}


def test_results_are_of_one_split():
    with pytest.raises(ValueError, match=r"of one split.*splits dev, test"):
        results_of(pooled([made_up(), made_up(split="dev")]))


@given(st.integers(1, 30), st.integers(1, 5), st.integers(0, 1000), st.integers(1, 3))
@settings(max_examples=5, deadline=None)
def test_json_gives_back_the_same_results(tmp_path_factory, clips, speakers, seed, classes):
    path = tmp_path_factory.mktemp("run") / "metrics.json"
    options = {"seed": seed, "classes": classes}
    found = pooled(made_up(clips, speakers, fold=fold, **options) for fold in ("1", "zwölf"))
    results, folded = results_of(found), folded_results(found)
    both = {"test": results, "folds": folded, "environment": {"cpu": "any"}}
    write_json(path, both)
    assert read_json(path, Run) == Run(test=results, folds=folded)
    assert json.loads(path.read_text())["test"]["ua"] == results.ua
    assert [each.name for each in path.parent.iterdir()] == ["metrics.json"]


@dataclasses.dataclass
class Run:
    test: Results
    folds: FoldedResults


def test_bad_json(tmp_path):
    path = tmp_path / "metrics.json"
    with pytest.raises(FileNotFoundError):
        read_json(path, dict[str, Results])
    write_json(path, {"test": results_of(made_up())})
    whole = path.read_text()
    for text, message in (
        (whole.replace('"wf1"', '"f2"'), "wf1"),
        (whole.replace('"ua": ', '"ua": "very "'), "metrics.json' can't be read"),
        (whole.replace('"clips": 60', '"clips": "many"'), "clips"),
        (whole[:-20], "metrics.json' can't be read"),
    ):
        path.write_text(text)
        with pytest.raises(ValueError, match=message):
            read_json(path, dict[str, Results])


def test_not_a_number_is_not_written(tmp_path):
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_json(tmp_path / "metrics.json", {"ua": float("nan")})
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_folds_from_their_files_alone(tmp_path):
    folds = {str(i): made_up(40 + i, fold=str(i), seed=i, majority=i - 1) for i in range(1, 4)}
    for name, found in folds.items():
        write_predictions(tmp_path / f"{name}.csv", found)
    read = pooled(read_predictions(tmp_path / f"{name}.csv", Classes(LABELS)) for name in folds)
    result = folded_results(read, notes=["Leaky."])
    for name, found in folds.items():
        assert result.folds[name] == results_of(found, notes=["Leaky."])
    for figure in FIGURES:
        values = [getattr(results_of(found), figure) for found in folds.values()]
        assert result.mean[figure] == pytest.approx(np.mean(values))
        assert result.deviation[figure] == pytest.approx(statistics.stdev(values))
        majority = [results_of(found).majority[figure] for found in folds.values()]
        assert result.majority_mean[figure] == pytest.approx(np.mean(majority))
    truth, predicted, speaker, always = (
        np.concatenate([getattr(found, name) for found in folds.values()])
        for name in ("truth", "predicted", "speaker", "majority")
    )
    assert result.pooled.wf1 == pytest.approx(f1_score(truth, predicted, average="weighted"))
    assert result.pooled.clips == len(truth) == 126
    assert result.pooled.speakers == 18
    assert result.pooled.intervals == intervals(truth, predicted, speaker, num_classes=3)
    assert result.pooled.majority["wa"] == np.mean(truth == always)
    assert result.pooled.majority_labels == LABELS


@given(st.integers(1, 40), st.integers(1, 6), st.integers(0, 1000))
@settings(max_examples=4, deadline=None)
def test_one_fold_pooled_is_the_fold(clips, speakers, seed):
    found = made_up(clips, speakers, seed=seed)
    result = folded_results(pooled([found]))
    assert result.pooled == result.folds["1"] == results_of(found)
    assert result.mean == {figure: getattr(result.pooled, figure) for figure in FIGURES}
    assert result.deviation is None


@given(st.integers(0, 1000), st.permutations(range(24)))
@settings(max_examples=4, deadline=None)
def test_the_order_of_decisions_changes_nothing(seed, order):
    found = made_up(24, seed=seed)
    arrays = [field.name for field in dataclasses.fields(found) if field.name != "task"]
    other = dataclasses.replace(found, **{name: getattr(found, name)[order] for name in arrays})
    assert results_of(other) == results_of(found)


def test_table_of_folds_fits_a_terminal():
    folds = [made_up(1500 + i, 3, fold=str(i), seed=i) for i in range(1, 11)]
    result = folded_results(pooled(folds), notes=["Leaky: chosen by label."])
    text = shown(folds_table(result, title="CREMA-D [test]"), 80)
    lines = [line.rstrip() for line in text.splitlines()]
    assert lines[0] == "CREMA-D [test]"
    assert lines[1].split() == ["n", "UA", "WA", "WF1", "macro-F1"]
    first = result.folds["1"]
    low, high = first.intervals["ua"]
    cell = [f"{100 * first.ua:.1f}", f"({100 * low:.0f}-{100 * high:.0f})"]
    assert lines[3].split()[:5] == ["fold", "1", "1,501", *cell]
    names = [line[:9].strip() for line in lines[3:19] if line]
    folds = [f"fold {i}" for i in range(1, 11)]
    assert names == [*folds, "mean ± SD", "majority", "pooled", "majority"]
    assert f"{100 * result.mean['wf1']:.1f} ± {100 * result.deviation['wf1']:.1f}" in text
    assert "(neutral)" in text
    assert lines[-1] == "Leaky: chosen by label."
    # Wider ones are not wider.
    assert [line.rstrip() for line in shown(folds_table(result, title="x"), 120).splitlines()][
        1:
    ] == lines[1:]


def test_table_without_intervals_and_of_one_fold():
    found = made_up(speakers=2)
    text = shown(folds_table(folded_results(found), title="One fold"), 80)
    assert text == shown(results_table({"fold 1": results_of(found)}, title="One fold"), 80)
    assert "No intervals: 3 speakers" in text
    assert "brackets" not in text
    both = {"dev": results_of(made_up(split="dev")), "test": results_of(found)}
    lines = shown(results_table(both, title="Interviews"), 80).splitlines()
    assert [line[:8].strip() for line in lines[3:7]] == ["dev", "majority", "test", "majority"]


def test_table_of_classes():
    found = results_of(made_up(classes=2))
    lines = shown(class_table(found, title="By class"), 80).splitlines()
    rows = {line.split()[0]: line.split()[1:] for line in lines if line.split()}
    expected = (found.recall["fear"], found.precision["fear"], found.f1["fear"])
    clips = sum(found.confusion[1])
    assert rows["fear"] == [str(clips), *(f"{100 * value:.1f}" for value in expected)]
    assert rows["neutral"] == ["0", "-", "0.0", "-"]
