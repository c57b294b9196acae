"""What a benchmark runs, and what it refuses."""

import pytest

from recipes.benchmark.cli import main
from recipes.benchmark.crossed import first_fold
from recipes.benchmark.folder import BenchmarkFolder
from recipes.benchmark.plan import BenchmarkPlan
from recipes.common.configuration import checked
from recipes.compare.planning.condition import Condition

AGE = {"target": "age", "task": "regression", "unit": "years"}


def test_a_comparison_for_each_task():
    plan = checked(
        BenchmarkPlan,
        {
            "tasks": {"emodb": ["emotion", "sex"], "custom": {"age": AGE}},
            "folds": {"emodb": ["03"]},
            "seeds": [7],
            "backbones": ["conformer"],
            "settings": {"epochs": 9},
            "include": {"custom": {"epochs": 4}},
        },
    )
    grids = plan.grids()
    assert list(grids) == [("emodb", "emotion"), ("emodb", "sex"), ("custom", "age")]
    assert grids["emodb", "sex"].settings == {"epochs": 9, "task": "sex"}
    assert grids["custom", "age"].settings == {"epochs": 4, **AGE}
    assert (grids["emodb", "sex"].folds, grids["custom", "age"].folds) == (("03",), None)
    light, frozen = grids["custom", "age"].products()
    assert (light.backbones, light.expansions, light.seeds) == (("conformer",), (0, 4), (7,))
    assert (frozen.backbones, list(frozen.variants)) == (("frozen",), ["log-mel statistics"])


def test_runs_go_seed_by_seed(prepared, tmp_path):
    root = tmp_path / "prepared"
    root.mkdir()
    (root / "custom").symlink_to(prepared)
    plan = checked(
        BenchmarkPlan,
        {"tasks": {"custom": {"emotion": {}}}, "seeds": [5, 2], "backbones": ["conv_transformer"]},
    )
    folder = BenchmarkFolder(tmp_path / "out", root)
    (found,) = folder.comparisons(plan)
    assert [run.settings.seed for run in found.runs] == [5] * 9 + [2] * 9
    models = [(run.settings.backbone, run.settings.expansion) for run in found.runs[:3]]
    assert models == [("conv_transformer", 0), ("conv_transformer", 4), ("frozen", 0)]
    # What is scored on other corpora: one run of each model and seed.
    chosen = list(first_fold(found.runs))
    assert {(run.fold, run.settings.seed) for run in chosen} == {("1", 5), ("1", 2)}
    assert len(chosen) == 6 and all(isinstance(run.condition, Condition) for run in chosen)
    folder.begin(plan)
    assert BenchmarkFolder(tmp_path / "out", root).plan() == plan


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        (["tasks={emodb: []}"], "`tasks.emodb"),
        (["tasks={nowhere: [emotion]}"], "`tasks.nowhere"),
        (["tasks={emodb: [emotion]}", "models=3"], "There is no setting `models`"),
        (["tasks={emodb: [emotion]}", "settings={seed: 3}"], "give `seeds`"),
        (["tasks={emodb: [emotion]}"], "EmoDB is not prepared in"),
        ([], "`tasks`"),
    ],
)
def test_bad_plans(settings, told, tmp_path, failed):
    error = failed(main, "run", "--out", tmp_path / "out", "--prepared", tmp_path, *settings)
    assert told in error
    assert not (tmp_path / "out").exists()


def test_nothing_to_report(tmp_path, failed):
    error = failed(main, "report", "--out", tmp_path)
    assert "There is no benchmark in" in error
