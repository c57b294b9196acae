"""Finished runs on degraded clips of the speakers who validate."""

import json
import math
import shutil
from pathlib import Path

import pytest

import keras_reparam as kr
from recipes.common.files.json_file import write_json
from recipes.common.manifest import manifest_hash, read_manifest
from recipes.common.store.store import Store
from recipes.compare.cli import main
from recipes.compare.grid_folder import GridFolder
from recipes.compare.planning.run import Run
from recipes.custom.settings import CustomSettings
from recipes.robustness.run import run as robustness

MODEL = Path(kr.__file__).parent / "pretrained" / "ser_int8.tflite"
TESTS = ["white", "gain-20", "silence-after"]


@pytest.fixture
def grid(tmp_path, prepared):
    """A comparison of an earlier version: runs are done, of a setting that is no more."""
    folder = GridFolder(tmp_path / "grid")
    frozen = CustomSettings(backbone="frozen", teacher="whisper_tiny_en")
    for settings in (CustomSettings(seed=1), CustomSettings(seed=2), frozen):
        run = Run(corpus="custom", fold="1", ablation="", learning_rate=1.0, settings=settings)
        with folder.attempt(run) as path:
            (path / "fold-1").mkdir(parents=True)
            planned = {**run.about(), "seconds": 3.0}
            planned["settings"]["no_more"] = 7
            write_json(path / "planned.json", planned)
            digest = manifest_hash(prepared / "custom" / "manifest.csv")
            write_json(path / "run.json", {"manifest_sha256": digest})
            if settings is not frozen:
                shutil.copy(MODEL, path / "fold-1" / "ser_int8.tflite")
            folder.publish(run)
    return folder


def command(grid, prepared, *arguments):
    own = ["degraded", "--grid", grid.path, "--prepared", prepared, "--workers", 1, *arguments]
    return [str(argument) for argument in own]


def kept(grid):
    return sorted((grid.path / "degraded").iterdir())


def test_scores_are_those_of_robustness_on_who_validates(grid, prepared, monkeypatch, capsys):
    heard, audio = [], Store.audio
    monkeypatch.setattr(Store, "audio", lambda self, clip: heard.append(clip) or audio(self, clip))
    assert main(command(grid, prepared, "--tests", ",".join([*TESTS, "babble"]))) == 0
    assert "2 runs are scored" in capsys.readouterr().out
    manifest = prepared / "custom" / "manifest.csv"
    fold = {segment.id: segment.fold for segment in read_manifest(manifest)}
    # Of fold 1 the clips of fold 2 validate, and the speakers of fold 3 babble.
    of_fold_2 = [clip for clip in fold if fold[clip] == "2"]
    assert [clip for clip in heard if fold[clip] == "2"] == 2 * of_fold_2
    assert {fold[clip] for clip in heard} == {"2", "3"}
    options = {"folds": ["2"], "tests": TESTS, "silence_decibels": -math.inf, "workers": 1}
    report, _, _ = robustness(MODEL, manifest, prepared, **options)
    expected = {outcome.name: outcome.ua for outcome in (report.clean, *report.outcomes)}
    for path in kept(grid):
        found = json.loads(path.read_text(encoding="utf-8"))
        assert found["clips"] == len(of_fold_2) == 8
        assert found["ua"].pop("babble") > 0
        assert found["ua"] == pytest.approx(expected)


def test_what_is_scored_is_not_scored_again(grid, prepared):
    arguments = command(grid, prepared, "--tests", "white", "--clips", 3)
    assert main(arguments) == 0
    first, second = kept(grid)
    assert json.loads(first.read_text(encoding="utf-8"))["clips"] == 3
    before = first.stat().st_mtime_ns
    second.unlink()
    assert main(arguments) == 0
    assert first.stat().st_mtime_ns == before and second.is_file()
    # Asked for otherwise, or of another file.
    shutil.copy(MODEL.with_name("ser_float32.tflite"), next(grid.path.rglob("ser_int8.tflite")))
    assert main(arguments) == 0
    assert sum(path.stat().st_mtime_ns == before for path in kept(grid)) <= 1
    assert main([*arguments, "--clips", "6"]) == 0
    assert {json.loads(path.read_text())["clips"] for path in kept(grid)} == {6}


def test_bad_use_is_one_line(grid, prepared, failed, tmp_path):
    def message(*arguments, folder=grid):
        return failed(main, *command(folder, prepared, *arguments))

    assert "Received: correctness" in message("--tests", "white,correctness")
    assert "Received: loud" in message("--tests", "loud")
    assert message("--tests", "white,music").endswith("needs no recordings. Received: music\n")
    assert "No run is done" in message(folder=GridFolder(tmp_path / "nowhere"))
    for path in grid.finished():
        write_json(path / "run.json", {"manifest_sha256": "0"})
    assert "another manifest" in message("--tests", "white")
    assert not (grid.path / "degraded").exists()
