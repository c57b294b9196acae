"""Comparisons that run on one machine, are interrupted, go on, and fail in parts."""

import csv
import dataclasses
import json
import math
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from sklearn.metrics import balanced_accuracy_score

from recipes.compare.cli import main
from recipes.compare.grid_folder import GridFolder
from recipes.corpora import RECIPES
from recipes.custom.recipe import RECIPE as CUSTOM

ROOT = Path(__file__).resolve().parents[3]
SETTINGS = {
    # As small as the backbone can be: compiling costs more than its steps.
    "backbone_options": {
        **{"channels": 4, "units": 8, "num_layers": 1, "num_heads": 2},
        **{"feed_forward_units": 16, "norm_first": True},
    },
    **{"frames": 100, "batch_size": 4, "epochs": 3, "diagnostics": True},
}
# With a thread for each, results are the same to the last digit whatever the machine.
CORES = str(len(os.sched_getaffinity(0)))
AXES = ["corpora=[custom]", 'folds=["1"]', "seeds=[1]", "expansions=[0, 2]"]


def command(name, grid, prepared, *arguments):
    own = [name, "--grid", grid, "--prepared", prepared, *arguments]
    return [str(argument) for argument in own]


def with_settings(**settings):
    return f"settings={json.dumps({**SETTINGS, **settings})}"


def ids(folder):
    return {path.name for path in (folder.path / "finished").iterdir()}


def predictions(folder):
    """Of every run, by its id, without the rounding that differs from machine to machine."""
    found = {}
    for path in (folder.path / "finished").glob("*/predictions.csv"):
        with path.open(newline="", encoding="utf-8") as file:
            found[path.parent.name] = list(csv.DictReader(file))
    return found


def children(folder, alive):
    """Process numbers of runs that have trained an epoch, while the command is alive."""
    while alive():
        for path in (folder.path / "working").glob("*/run/fold-*/history.csv"):
            log = folder.path / "logs" / f"{path.parents[2].name}.log"
            text = " ".join(log.read_text(encoding="utf-8").split())
            return int(text.split("process ")[-1].split()[0])
        time.sleep(0.05)
    raise AssertionError("it has ended before")


@pytest.fixture(scope="module")
def unbroken(tmp_path_factory, prepared):
    """A comparison of two runs that nothing has happened to."""
    grid = tmp_path_factory.mktemp("unbroken")
    assert main(command("run", grid, prepared, "--workers", CORES, *AXES, with_settings())) == 0
    return GridFolder(grid)


@pytest.mark.slow
def test_what_lies_in_the_folder(unbroken, prepared, capsys):
    assert len(ids(unbroken)) == 2
    for run in ids(unbroken):
        path = unbroken.path / "finished" / run
        assert json.loads((path / "planned.json").read_text(encoding="utf-8"))["corpus"] == "custom"
        assert (path / "fold-1" / "ser_int8.tflite").exists()
        assert "done" in (unbroken.path / "logs" / f"{run}.log").read_text(encoding="utf-8")
    assert not list((unbroken.path / "working").iterdir())
    before = {path: path.stat().st_mtime_ns for path in unbroken.path.rglob("finished/**/*")}
    capsys.readouterr()
    # Nothing is left to do, in whichever way it is asked for.
    assert main(command("run", unbroken.path, prepared)) == 0
    assert "0 of them to run" in capsys.readouterr().out
    assert main(command("run-one", unbroken.path, prepared, 2)) == 0
    assert main(command("status", unbroken.path, prepared)) == 0
    assert "Expected end" not in capsys.readouterr().out
    assert before == {
        path: path.stat().st_mtime_ns for path in unbroken.path.rglob("finished/**/*")
    }
    assert main(command("run-one", unbroken.path, prepared, 3)) == 2
    assert "Runs are 1 to 2" in capsys.readouterr().err


@pytest.mark.slow
def test_the_report_of_runs(unbroken, prepared, tmp_path):
    # Of six clips, which those who validate have.
    heard = ("--tests", "white", "--clips", "6", "--workers", "1")
    assert main(command("degraded", unbroken.path, prepared, *heard)) == 0
    assert main(command("report", unbroken.path, prepared)) == 0
    report = unbroken.path / "report"
    text = (report / "report.md").read_text(encoding="utf-8")
    assert "2 of 2 planned runs are done" in text
    assert "no difference shown" in text.lower()
    assert "| comparison | pairs | clean | degraded | white |" in text
    # The HRF run beside the plain one.
    assert len(list(report.glob("diagnostics-*.png"))) == 1
    with (report / "scores.csv").open(newline="", encoding="utf-8") as file:
        scores = {row["condition"]: row for row in csv.DictReader(file)}
    for run, rows in predictions(unbroken).items():
        about = json.loads((unbroken.path / "finished" / run / "planned.json").read_text())
        condition = "light + HRF r=2" if about["settings"]["expansion"] else "light"
        truth, predicted = ([row[name] for row in rows] for name in ("label", "prediction"))
        expected = balanced_accuracy_score(truth, predicted)
        assert float(scores[condition]["ua_mean"]) == pytest.approx(expected, abs=1e-9)
    # The compact tables are all that it takes.
    again = ["report", "--results", unbroken.path / "results", "--out", tmp_path / "again"]
    assert main([str(argument) for argument in again]) == 0
    for name in ("report.md", "pairs.csv", "differences.tex", "degraded.csv"):
        assert (tmp_path / "again" / name).read_bytes() == (report / name).read_bytes()


@pytest.mark.slow
def test_no_run_of_other_settings_is_reused(unbroken, prepared, tmp_path, monkeypatch, capsys):
    grid = shutil.copytree(unbroken.path, tmp_path / "grid")

    def left():
        capsys.readouterr()
        assert main(command("run", grid, prepared, "--plan")) == 0
        return capsys.readouterr().out

    class Later(CUSTOM.settings):
        weight_decay: float = 0.03

    with monkeypatch.context() as changed:
        changed.setitem(RECIPES, "custom", dataclasses.replace(CUSTOM, settings=Later))
        assert "2 runs in" in left()
        assert "2 of them to run" in left()
        assert main(command("report", grid, prepared)) == 2
        assert "No run of these settings is done" in capsys.readouterr().err
    with monkeypatch.context() as changed:
        changed.setenv("KERAS_BACKEND", "jax")
        assert "2 of them to run" in left()
    assert "0 of them to run" in left()

    # What a file says must be what is compared.
    config = next((grid / "finished").iterdir()) / "config.json"
    ran = json.loads(config.read_text(encoding="utf-8"))
    config.write_text(json.dumps(ran | {"batch_size": 5}), encoding="utf-8")
    capsys.readouterr()
    assert main(command("report", grid, prepared)) == 2
    assert "`batch_size` was 5 and is 4" in capsys.readouterr().err


@pytest.mark.parametrize(
    "what",
    [
        pytest.param("worker killed", marks=pytest.mark.slow),
        pytest.param("interrupted", marks=pytest.mark.nightly),
    ],
)
def test_goes_on(tmp_path, prepared, unbroken, what):
    folder = GridFolder(tmp_path / "grid")
    # One of the two runs: what both do is what one does.
    arguments = [*AXES[:3], "expansions=[2]", with_settings()]
    own = command("run", folder.path, prepared, "--workers", CORES, *arguments)
    run = subprocess.Popen(
        [sys.executable, "-m", "recipes.compare", *own],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    child = children(folder, lambda: run.poll() is None)
    if what == "worker killed":
        os.kill(child, signal.SIGKILL)
        out, _ = run.communicate(timeout=600)
        assert run.returncode == 0, out
        assert "Its process died, it runs again" in out
    else:
        run.send_signal(signal.SIGINT)
        out, _ = run.communicate(timeout=600)
        assert run.returncode == 130, out
        assert "nothing half-written is left" in out
        assert not (folder.path / "finished").exists() or not ids(folder)
        assert main(command("run", folder.path, prepared, "--workers", CORES)) == 0
    logs = [path.read_text(encoding="utf-8") for path in (folder.path / "logs").iterdir()]
    assert any("goes on after epoch" in log for log in logs)
    # It ends as the one that nothing has happened to.
    assert len(predictions(folder)) == 1
    assert predictions(folder).items() <= predictions(unbroken).items()


@pytest.mark.slow
def test_a_run_that_fails(tmp_path, prepared, unbroken, capsys):
    """The others are kept; it is listed with its log, and run again on request alone."""
    folder = GridFolder(tmp_path / "grid")
    shutil.copytree(unbroken.path, folder.path)
    include = json.dumps(
        [{"sizes": ["huge"], "expansions": [0]}]  # There is none of that size.
    )
    axes = [*AXES, with_settings(), f"include={include}"]
    assert main(command("run", folder.path, prepared, "--workers", CORES, *axes)) == 1
    out = " ".join(capsys.readouterr().out.split())
    assert ids(folder) == ids(unbroken)
    assert "Failed 1 times" in out and "`size` must be" in out and ".log" in out
    (failure,) = (folder.path / "failed").iterdir()
    assert "Traceback" in (folder.path / "logs" / f"{failure.stem}.log").read_text()
    assert main(command("run", folder.path, prepared)) == 1
    assert "0 of them to run" in capsys.readouterr().out
    assert main(command("run-one", folder.path, prepared, 3)) == 1
    assert main(command("run", folder.path, prepared, "--again")) == 1
    assert json.loads(failure.read_text(encoding="utf-8"))["attempts"] == 3


@pytest.mark.nightly
def test_longer_is_as_long_as_hrf_costs(tmp_path, prepared):
    """That was measured once, for the plain model that trains longer."""
    folder = GridFolder(tmp_path / "grid")
    axes = [*AXES[:3], "expansions=[2]", "ablations=[longer, chained]", with_settings(epochs=1)]
    assert main(command("run", folder.path, prepared, "--workers", CORES, *axes)) == 0
    (measured,) = (folder.path / "measured").glob("*/measured.json")
    cost = json.loads(measured.read_text(encoding="utf-8"))["cost"]
    trained = {
        about["ablation"]: json.loads((path.parent / "config.json").read_text(encoding="utf-8"))
        for path in (folder.path / "finished").glob("*/planned.json")
        for about in [json.loads(path.read_text(encoding="utf-8"))]
    }
    assert trained["longer"]["epochs"] == math.ceil(max(1.0, cost))
    assert (trained["longer"]["expansion"], trained["chained"]["expansion"]) == (0, 2)
    assert (trained["chained"]["folded"], trained[""]["folded"]) == (False, True)
