"""The folder of a comparison: nothing is lost, nothing is there twice."""

import dataclasses
import subprocess
import sys
from pathlib import Path

import pytest

from recipes.common.files.json_file import write_json
from recipes.common.settings import RecipeSettings
from recipes.compare.grid_folder import GridFolder
from recipes.compare.planning.cell import Cell
from recipes.compare.planning.control_settings import CHANGES
from recipes.compare.planning.grid import Grid

ROOT = Path(__file__).resolve().parents[3]


def cell_of(seed=1):
    settings = RecipeSettings(seed=seed)
    return Cell(corpus="custom", fold="1", control="", learning_rate=1.0, settings=settings)


@pytest.fixture
def folder(tmp_path):
    return GridFolder(tmp_path / "grid")


def finish(folder, cell):
    with folder.attempt(cell) as path:
        path.mkdir()
        write_json(path / "cell.json", {"seconds": 3.0})
        return folder.publish(cell)


def test_a_cell_appears_at_once(folder):
    cell = cell_of()
    assert folder.done(cell) is None
    with folder.attempt(cell) as path:
        assert path == folder.working(cell)
        path.mkdir()
        write_json(path / "cell.json", {"seconds": 3.0})
        assert folder.done(cell) is None
        published = folder.publish(cell)
    assert folder.done(cell) == published
    assert folder.about(cell) == {"seconds": 3.0}
    assert not path.parent.exists()


def test_what_is_done_is_never_replaced(folder):
    cell = cell_of()
    published = finish(folder, cell)
    with pytest.raises(OSError), folder.attempt(cell) as path:
        path.mkdir()
        write_json(path / "cell.json", {"seconds": 4.0})
        folder.publish(cell)
    assert folder.about(cell) == {"seconds": 3.0}
    assert [path.name for path in published.iterdir()] == ["cell.json"]


@pytest.mark.parametrize("control", ["", "longer", "wider", "chained", "frozen"])
def test_a_former_folder_is_found_where_it_is_of_the_same_run(folder, control):
    cell = dataclasses.replace(cell_of(), control=control)
    ran = cell.settings.model_dump(mode="json") | CHANGES[control]
    ran |= {"epochs": 51} if control == "longer" else {}
    ran |= {"backbone_options": {"units": 99}} if control == "wider" else {}
    path = folder.path / "cells" / cell.former_id
    (path / "fold-1").mkdir(parents=True)

    def write(config=ran, planned=cell.about(), backend=cell.backend):  # noqa: B008
        write_json(path / "config.json", config)
        write_json(path / "cell.json", planned)
        write_json(path / "fold-1" / "training.json", {"backend": backend})
        return folder.done(cell)

    assert write() == path
    assert folder.about(cell)["corpus"] == "custom"
    assert write(config=ran | {"tempo": 0.2}) is None
    assert write(backend="jax") is None
    # An epoch's number is measured of one control, but not what it was measured for.
    assert write(planned=cell.about() | {"settings": ran | {"epochs": 39}}) is None
    # What ran was made before there was such a setting.
    assert write(config={name: ran[name] for name in ran if name != "tempo"}) is None


def test_an_attempt_that_ends_is_gone_on_with(folder):
    cell = cell_of()
    with pytest.raises(KeyboardInterrupt), folder.attempt(cell) as path:
        path.mkdir()
        (path / "history.csv").write_text("epoch\n1\n", encoding="utf-8")
        raise KeyboardInterrupt
    with folder.attempt(cell) as path:
        assert (path / "history.csv").exists()


def test_failures_are_counted_until_it_is_done(folder):
    cell = cell_of()
    folder.fail(cell, "no memory")
    folder.fail(cell, "no disk")
    failure = folder.failure(cell)
    assert (failure["attempts"], failure["error"]) == (2, "no disk")
    assert failure["log"].endswith(f"{cell.id}.log")
    assert folder.failure(cell_of(seed=2)) is None
    finish(folder, cell)
    assert folder.failure(cell) is None


HOLDER = """
import sys
from pathlib import Path

from recipes.common.files.lock import exclusive

with exclusive(Path(sys.argv[1])):
    print("ready", flush=True)
    sys.stdin.read()
"""


def test_one_process_works_on_a_cell(folder):
    cell = cell_of()
    with folder.attempt(cell) as path:
        attempt = path.parent
    command = [sys.executable, "-c", HOLDER, str(attempt)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen(command, cwd=ROOT, **pipes) as other:
        try:
            assert other.stdout.readline() == b"ready\n"
            assert folder.running(cell)
            assert not folder.running(cell_of(seed=2))
            with pytest.raises(BlockingIOError), folder.attempt(cell):
                pass
        finally:
            other.kill()
    # The lock ends with the process, however it ends.
    assert not folder.running(cell)
    finish(folder, cell)


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
