"""Comparisons of runs on numbers and labels, from their tables."""

import dataclasses

import numpy as np
import pytest

from recipes.common.tasks.classes import Classes
from recipes.common.tasks.distribution import Distribution
from recipes.common.tasks.multilabel import Multilabel
from recipes.common.tasks.regression import Regression
from recipes.common.tasks.saved import as_saved, of_saved
from recipes.compare.report.bootstrap import pooled_difference
from recipes.compare.report.report_tables import score_table
from recipes.compare.report.scores import groups_of
from recipes.compare.tables.decision_count import DecisionCount
from recipes.compare.tables.epoch import Epoch
from recipes.compare.tables.overview import ComparedCorpus, Overview
from recipes.compare.tables.run_result import RunResult
from recipes.compare.tables.tables import Tables, read_tables, write_tables

AGE = Regression(("age",), "age", range=(20, 80), unit="years")
HEARD = Distribution(("a", "b"), "votes")
MOODS = Multilabel(("fear", "joy"), "moods", "/")
RUN = {
    **{"corpus": "custom", "backbone": "conv_transformer", "size": "light", "factors": 2},
    **{"optimizer": "adamw", "learning_rate": 1.0, "ablation": "", "epochs": 1},
    **{"chosen_epoch": 1, "parameters_training": 10, "parameters_merged": 10, "macs": 10},
    **{"int8_bytes": 10, "int8_milliseconds": None, "float_milliseconds": None},
    **{"seconds": 1.0, "clips_per_second": 1.0},
}


def made_up(task, figure, noise):
    """A plain run and one with HRF, and what they said of the same clips: `[plain, hrf]`."""
    rng = np.random.default_rng(0)
    runs, rows, curves, said = [], [], [], []
    truth = {
        "regression": lambda: float(rng.uniform(20, 80)),
        "multilabel": lambda: tuple(rng.integers(2, size=2).tolist()),
    }[task.kind]
    clips = [(f"s{i % 6}", truth()) for i in range(60)]
    for number, away in enumerate(noise):
        name = f"{number:012x}"
        about = {"val_ccc": 0.5} if figure == "ccc" else {"val_map": 0.5, "val_macro_f1": 0.5}
        runs.append(
            RunResult(
                **RUN, **about, run=name, expansion=4 * number, seed=1, fold="1", select_on=figure
            )
        )
        curves.append(Epoch(run=name, epoch=1, loss=1.0, val_loss=1.0, val_ccc=0.5))
        found = []
        for speaker, value in clips:
            if task.kind == "regression":
                found.append(value + float(rng.normal(0, away)))
            else:
                found.append(tuple(int(v ^ (rng.random() < away)) for v in value))
            rows.append(
                DecisionCount(
                    run=name,
                    form="keras",
                    speaker=speaker,
                    label=task.word(value),
                    prediction=task.word(found[-1]),
                    count=1,
                )
            )
        said.append(found)
    counts = {}
    for row in rows:
        key = dataclasses.replace(row, count=1)
        counts[tuple(vars(key).items())] = counts.get(tuple(vars(key).items()), 0) + 1
    rows = [DecisionCount(**{**dict(key), "count": n}) for key, n in counts.items()]
    corpus = ComparedCorpus(title="Own", labels=task.names)
    grid = Overview(
        corpora={"custom": corpus},
        settings={},
        runs=2,
        environment={},
        tasks={"custom": as_saved(task)},
    )
    tables = Tables(runs=tuple(runs), decisions=tuple(rows), curves=tuple(curves), grid=grid)
    return tables, clips, said


@pytest.mark.parametrize(
    ("task", "figure", "noise"), [(AGE, "ccc", (20, 5)), (MOODS, "macro_f1", (0.4, 0.1))]
)
def test_figures_of_runs_are_those_of_their_clips(task, figure, noise, tmp_path):
    tables, clips, said = made_up(task, figure, noise)
    write_tables(tmp_path, tables)
    assert read_tables(tmp_path) == tables
    (group,) = groups_of(tables)
    assert group.task == task and group.figure_name == task.figures[figure].name
    truth = task.array([value for _, value in clips])
    expected = []
    for condition, found in zip(group.conditions, said, strict=True):
        figures = task.evaluate(truth, task.array(found), np.zeros((len(clips), len(task.names))))
        expected.append(getattr(figures, figure))
        assert condition.test(figure).mean == pytest.approx(expected[-1])
    plain, hrf = ({**condition.runs}[("1", 1)] for condition in group.conditions)
    found = pooled_difference([(hrf, plain)], task, figure)
    assert found.value == pytest.approx(expected[1] - expected[0], abs=1e-6)
    low, high = found.interval
    assert low < found.value < high and found.speakers == 6
    table = score_table([group])
    assert table.records[0][f"{figure}_mean"] == pytest.approx(expected[0])


@pytest.mark.parametrize(
    "task", [AGE, MOODS, Classes(("a", "b")), Classes(("f", "m"), "sex"), HEARD]
)
def test_saved_tasks_are_the_same(task):
    assert of_saved(task.names, as_saved(task)) == task


def test_tables_of_before_are_of_classes():
    corpus = ComparedCorpus(title="EmoDB", labels=("anger", "joy"))
    grid = Overview(corpora={"emodb": corpus}, settings={}, runs=1, environment={})
    assert grid.task("emodb") == Classes(("anger", "joy")) and as_saved(grid.task("emodb")) == {}
