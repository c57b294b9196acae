"""The folder of a comparison: nothing is lost, nothing is there twice."""

import subprocess
import sys
from pathlib import Path

import pytest

from recipes.common.files.json_file import write_json
from recipes.common.settings import RecipeSettings
from recipes.compare.finished import read_planned
from recipes.compare.grid_folder import GridFolder
from recipes.compare.planning.grid import Grid
from recipes.compare.planning.run import Run
from recipes.compare.tables.tables import write_tables
from tests.recipes.compare.made_up import run_result, tables

ROOT = Path(__file__).resolve().parents[3]


def run_of(seed=1):
    settings = RecipeSettings(seed=seed)
    return Run(corpus="custom", fold="1", ablation="", learning_rate=1.0, settings=settings)


@pytest.fixture
def folder(tmp_path):
    return GridFolder(tmp_path / "grid")


def finish(folder, run):
    with folder.attempt(run) as path:
        path.mkdir()
        write_json(path / "planned.json", {"seconds": 3.0})
        return folder.publish(run)


def test_a_run_appears_at_once(folder):
    run = run_of()
    assert folder.done(run) is None
    with folder.attempt(run) as path:
        assert path == folder.working(run)
        path.mkdir()
        write_json(path / "planned.json", {"seconds": 3.0})
        assert folder.done(run) is None
        published = folder.publish(run)
    assert folder.done(run) == published
    assert folder.seconds(run) == 3.0
    assert not path.parent.exists()


def test_what_is_done_is_never_replaced(folder):
    run = run_of()
    published = finish(folder, run)
    with pytest.raises(OSError), folder.attempt(run) as path:
        path.mkdir()
        write_json(path / "planned.json", {"seconds": 4.0})
        folder.publish(run)
    assert folder.seconds(run) == 3.0
    assert [path.name for path in published.iterdir()] == ["planned.json"]


def test_what_was_done_elsewhere_is_not_run_again(folder, tmp_path):
    elsewhere, left = run_of(seed=1), run_of(seed=2)
    found = tables([(run_result(run=elsewhere.id, seconds=7.0), {"s": [[1, 0], [0, 1]]})])
    write_tables(tmp_path / "tables", found)
    grid = Grid(corpora=("custom",))
    folder.begin(grid)
    assert not folder.known(elsewhere)
    folder.begin(grid, tmp_path / "tables")
    assert [run for _, run in folder.left([elsewhere, left], again=True)] == [left]
    assert folder.known(elsewhere) and not folder.done(elsewhere)
    assert folder.seconds(elsewhere) == 7.0
    assert GridFolder(folder.path).earlier == found
    # What can't be read changes nothing.
    (tmp_path / "tables" / "runs.csv").write_text("run\n")
    with pytest.raises(ValueError, match="runs.csv"):
        folder.begin(grid, tmp_path / "tables")
    with pytest.raises(FileNotFoundError, match="no results of a grid"):
        folder.begin(grid, tmp_path / "none")
    assert GridFolder(folder.path).earlier == found


def test_a_folder_of_an_earlier_version_is_found(folder):
    """As `compare` made them when a run was a cell, and an ablation a control."""
    run, newer = run_of(), run_of(seed=2)
    path = folder.path / "cells" / run.id
    path.mkdir(parents=True)
    write_json(path / "cell.json", {"control": "", "seconds": 3.0})
    finish(folder, newer)
    assert folder.done(run) == path
    assert read_planned(path) == {"ablation": "", "seconds": 3.0}
    assert folder.done(newer).parent.name == "finished"
    former = {"corpora": ["emodb"], "controls": ["longer"], "also": [{"controls": ["wider"]}]}
    write_json(folder.path / "grid.json", former)
    assert [axes.ablations for axes in folder.grid().products()] == [("longer",), ("wider",)]
    (folder.path / "failed").mkdir()
    write_json(folder.path / "failed" / f"{run.id}.json", {"cell": "light", "attempts": 1})
    assert folder.failure(run)["run"] == "light"


def test_an_attempt_that_ends_is_gone_on_with(folder):
    run = run_of()
    with pytest.raises(KeyboardInterrupt), folder.attempt(run) as path:
        path.mkdir()
        (path / "history.csv").write_text("epoch\n1\n", encoding="utf-8")
        raise KeyboardInterrupt
    with folder.attempt(run) as path:
        assert (path / "history.csv").exists()


def test_failures_are_counted_until_it_is_done(folder):
    run = run_of()
    folder.fail(run, "no memory")
    folder.fail(run, "no disk")
    failure = folder.failure(run)
    assert (failure["attempts"], failure["error"]) == (2, "no disk")
    assert failure["log"].endswith(f"{run.id}.log")
    assert folder.failure(run_of(seed=2)) is None
    finish(folder, run)
    assert folder.failure(run) is None


HOLDER = """
import sys
from pathlib import Path

from recipes.common.files.lock import exclusive

with exclusive(Path(sys.argv[1])):
    print("ready", flush=True)
    sys.stdin.read()
"""


def test_one_process_works_on_a_run(folder):
    run = run_of()
    with folder.attempt(run) as path:
        attempt = path.parent
    command = [sys.executable, "-c", HOLDER, str(attempt)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen(command, cwd=ROOT, **pipes) as other:
        try:
            assert other.stdout.readline() == b"ready\n"
            assert folder.running(run)
            assert not folder.running(run_of(seed=2))
            with pytest.raises(BlockingIOError), folder.attempt(run):
                pass
        finally:
            other.kill()
    # The lock ends with the process, however it ends.
    assert not folder.running(run)
    finish(folder, run)


def test_a_measurement_is_made_once(folder):
    with folder.measuring("some step") as file:
        write_json(file, {"cost": 1.1})
    with folder.measuring("some step") as again, folder.measuring("another") as other:
        assert again == file
        assert other != file


def test_nothing_planned(folder):
    assert not folder.begun
    with pytest.raises(FileNotFoundError, match=r"corpora=\[emodb\]"):
        folder.grid()
    folder.begin(Grid(corpora=["emodb"], seeds=[7]))
    assert folder.begun
    assert Grid.model_validate(folder.grid()).seeds == (7,)
