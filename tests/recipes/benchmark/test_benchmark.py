"""A benchmark of two corpora, run, crossed, reported."""

import json
import shutil

import pytest

from recipes.benchmark.cli import main
from recipes.benchmark.crossed_result import CrossedResult
from recipes.benchmark.report import page_of
from recipes.benchmark.result import Result
from recipes.common.tasks.classes import Classes
from recipes.compare.report.bootstrap import pooled_score
from recipes.compare.report.scores import groups_of
from recipes.compare.tables.rows import read_dataclasses, write_dataclasses
from tests.recipes.compare.made_up import run_result, tables

SMALL = {
    **{"channels": 4, "units": 8, "num_layers": 1, "num_heads": 2},
    **{"feed_forward_units": 16, "norm_first": True},
}


def test_pooled_score_is_the_mean_over_seeds_of_all_folds_together():
    # Recalls of the seeds, folds added: 5/8 and 6/8; 7/8 and 2/8.
    of_seed = {
        1: {"1": {"x": [[3, 1], [2, 2]]}, "2": {"y": [[2, 2], [0, 4]]}},
        2: {"1": {"x": [[4, 0], [2, 2]]}, "2": {"y": [[3, 1], [4, 0]]}},
    }
    runs = [
        (run_result(seed=seed, fold=fold), speakers)
        for seed, folds in of_seed.items()
        for fold, speakers in folds.items()
    ]
    (group,) = groups_of(tables(runs))
    found = pooled_score(list(group.conditions[0].runs.values()), Classes(("a", "b")), "ua")
    assert found.value == pytest.approx((11 / 16 + 9 / 16) / 2)
    # Of two speakers there is no interval.
    assert (found.interval, found.speakers) == (None, 2)


def test_interval_of_a_score():
    """Speakers of whom all or none is right: how many of them are drawn is binomial."""
    runs = [
        (run_result(), {f"s{n}": [[4, 0], [0, 4]] if n < 3 else [[0, 4], [4, 0]] for n in range(6)})
    ]
    (group,) = groups_of(tables(runs))
    found = pooled_score(list(group.conditions[0].runs.values()), Classes(("a", "b")), "ua")
    assert found.value == 0.5
    # Six of half: 0 or 6 in 1.6 % on either side, 1 or 5 in 11 %.
    assert found.interval == pytest.approx((1 / 6, 5 / 6))


def test_what_is_missing_is_marked(tmp_path):
    about = {"corpus": "emodb", "figure": "ua", "planned": 4}
    sizes = {"parameters": 153000, "macs": 3e7, "int8_bytes": 276800, "int8_milliseconds": 0.8}
    results = [
        Result(**about, task="sex", model="light", score=0.9, low=0.85, high=0.94, runs=3, **sizes),
        Result(**about, task="age", model="light"),
        Result(**about, task="sex", model="large"),
        Result(**about, task="age", model="large", score=0.5, runs=4),
        Result(**{**about, "corpus": "crema_d"}, task="sex", model="light", score=0.8, runs=4),
    ]
    on = {"task": "sex", "figure": "ua", "seeds": 2, "clips": 600, "score": 0.7, "deviation": 0.01}
    crossed = [CrossedResult(model="light", trained_on="emodb", scored_on="crema_d", **on)]
    write_dataclasses(tmp_path / "benchmark.csv", Result, results)
    write_dataclasses(tmp_path / "crossed.csv", CrossedResult, crossed)
    assert read_dataclasses(tmp_path / "benchmark.csv", Result) == results
    assert read_dataclasses(tmp_path / "crossed.csv", CrossedResult) == crossed
    lines = page_of(results, crossed, ["sex: no difference"]).splitlines()
    light = "| light | 90.0 (85 to 94)\\* | not run | 80.0 | 153,000 | 30,000,000 | 277 | 0.80 |"
    assert light in lines
    assert "| large | not run | 50.0 | not run | - | - | - | - |" in lines
    assert "| light | emodb | 90.0 (85 to 94)\\* | 70.0 ± 1.0 |" in lines
    assert "| light | crema_d | not run | 80.0 |" in lines
    assert "- sex: no difference" in lines


@pytest.mark.slow
def test_two_corpora(prepared, tmp_path, capsys):
    """The same clips under two names: what one model says of its own, it says of the other's."""
    root = tmp_path / "prepared"
    shutil.copytree(prepared, root / "custom")
    manifest = root / "custom" / "manifest.csv"
    # Made up: of each fold one speaker is a woman.
    manifest.write_text(manifest.read_text().replace(",12,male,", ",12,female,"))
    (root / "emodb").symlink_to(root / "custom")
    settings = {"epochs": 2, "frames": 100, "batch_size": 4, "backbone_options": SMALL}
    plan = [
        "tasks={custom: {sex: {target: sex}}, emodb: {sex: {task: sex}}}",
        'folds={custom: ["2"], emodb: ["09"]}',
        "seeds=[1]",
        "backbones=[conv_transformer]",
        "expansions=[0]",
        f"settings={json.dumps(settings)}",
    ]
    where = ["--out", str(tmp_path / "out"), "--prepared", str(root)]
    assert main(["run", *where, *plan]) == 0
    told = capsys.readouterr().out
    assert "4 runs on custom sex, emodb sex" in told
    # Nothing is left to do.
    assert main(["run", *where]) == 0
    assert "0 of them to run" in capsys.readouterr().out
    page = tmp_path / "page.md"
    page.write_text("<!-- benchmark -->\n<!-- end of benchmark -->\n")
    assert main(["report", *where, "--into", str(page)]) == 0
    report = tmp_path / "out" / "report"
    results = read_dataclasses(report / "benchmark.csv", Result)
    assert [each.runs for each in results] == [1] * 4
    crossed = read_dataclasses(report / "crossed.csv", CrossedResult)
    assert len(crossed) == 4
    assert {each.clips for each in crossed} == {24}
    text = (report / "report.md").read_text()
    assert "| conv_transformer, light | custom |" in text
    assert "| conv_transformer, light | custom |" in page.read_text()
    assert (report / "benchmark.png").stat().st_size > 10_000
    # On another machine nothing is run again, and the report is the same.
    there = ["--out", str(tmp_path / "there"), "--prepared", str(root)]
    tables = tmp_path / "out" / "results"
    assert sorted(path.name for path in tables.iterdir()) == ["custom-sex", "emodb-sex"]
    assert main(["run", *there, *plan, "--earlier", str(tables)]) == 0
    assert "0 of them to run" in capsys.readouterr().out
    assert main(["report", *there]) == 0
    assert (tmp_path / "there" / "report" / "report.md").read_text() == text
