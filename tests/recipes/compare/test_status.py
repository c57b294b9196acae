"""How far a comparison is, in words."""

import io

import pytest
from rich.console import Console

from recipes.common.files.json_file import write_json
from recipes.common.settings import RecipeSettings
from recipes.compare.cli import main
from recipes.compare.grid_folder import GridFolder
from recipes.compare.planning.run import Run
from recipes.compare.running.progress import GridProgress
from recipes.compare.status import expected_seconds, show_status


def run_of(seed, expansion=0):
    settings = RecipeSettings(seed=seed, expansion=expansion)
    return Run(corpus="custom", fold="1", ablation="", learning_rate=1.0, settings=settings)


RUNS = [run_of(seed, expansion) for seed in (1, 2, 3) for expansion in (0, 4)]


@pytest.fixture
def folder(tmp_path):
    """Two plain runs are done, one with HRF; another one has failed twice."""
    found = GridFolder(tmp_path / "grid")
    for run, seconds in ((RUNS[0], 100.0), (RUNS[2], 140.0), (RUNS[1], 300.0)):
        with found.attempt(run) as path:
            path.mkdir()
            write_json(path / "planned.json", {"seconds": seconds})
            found.publish(run)
    for _ in range(2):
        found.fail(RUNS[3], "no memory")
    return found


def shown(folder):
    console = Console(file=io.StringIO(), width=120)
    show_status(RUNS, folder, console)
    return console.file.getvalue()


def row(text, name):
    """The numbers in the table's row of that name."""
    line = next(line for line in text.splitlines() if line.startswith(name + "  "))
    return line.removeprefix(name).split()


def test_counts_and_failures(folder):
    text = shown(folder)
    assert row(text, "custom: conv_transformer light") == ["2", "0", "0", "1", "2.0"]
    assert row(text, "custom: conv_transformer light + HRF r=4") == ["1", "0", "1", "1", "5.0"]
    assert row(text, "all") == ["3", "0", "1", "2", "3.0"]
    assert "Failed 2 times: custom: conv_transformer light + HRF r=4, fold 1, seed 2" in text
    assert "no memory" in text
    assert f"{RUNS[3].id}.log" in text


def test_a_run_that_runs(folder):
    with folder.attempt(RUNS[4]):
        text = shown(folder)
        assert row(text, "custom: conv_transformer light") == ["2", "1", "0", "0", "2.0"]
        assert "1 at a time" in text


def test_expected_time(folder, tmp_path):
    # A plain run takes 120 s, one with HRF 300 s: one and two of them are left.
    assert expected_seconds(RUNS, folder) == pytest.approx(120 + 2 * 300)
    assert expected_seconds(RUNS, GridFolder(tmp_path / "other")) is None


def test_lines_that_stay(folder):
    """Without a terminal there is no bar."""
    console = Console(file=io.StringIO(), width=120)
    with GridProgress(console, RUNS, folder) as progress:
        progress.update([RUNS[4]])
        for run in (RUNS[0], RUNS[3], RUNS[4]):
            progress.ended(run)
    lines = console.file.getvalue().splitlines()
    assert lines[0] == "Done in 1.7 min: custom: conv_transformer light, fold 1, seed 1"
    assert lines[1].startswith("Failed: custom: conv_transformer light + HRF r=4, fold 1, seed 2: ")
    assert lines[2].startswith("Another process is at it: ")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["status"], "There is no comparison"),
        (["run"], "`corpora` Field required"),
        (["run", "corpora=[custom]"], "is not prepared"),
        (["run", "--workers", "0", "corpora=[custom]"], "must be 1 or more"),
        (["run", "--config", "no.yaml"], "no file of settings"),
        (["run", "--ray", "auto", "--workers", "2"], "`--workers` is for one machine"),
        (["run", "--threads", "2"], "`--threads` is for --ray"),
        (["run-one", "1"], "There is no comparison"),
        (["report"], "There is no comparison"),
        (["report", "--results", "none"], "There are no results"),
    ],
)
def test_bad_use_is_one_line(tmp_path, monkeypatch, failed, arguments, message):
    monkeypatch.chdir(tmp_path)
    assert message in failed(main, *arguments)
    assert not list(tmp_path.iterdir())
