"""Fixtures of the recipes' tests."""

import csv
import shutil
import subprocess

import pytest


@pytest.fixture(scope="module")
def prepared(tmp_path_factory, emodb4):
    """A corpus of 24 clips of six speakers in three folds, whose store is built."""
    from recipes.custom.__main__ import main

    folder = tmp_path_factory.mktemp("corpus")
    with (emodb4 / "emodb4.csv").open(newline="", encoding="utf-8") as file:
        clips = list(csv.DictReader(file))
    speakers = sorted({clip["speaker"] for clip in clips})[:6]
    counts = {"anger": 2, "neutral": 1, "sadness": 1}
    rows = []
    for number, speaker in enumerate(speakers):
        for label, count in counts.items():
            found = [c for c in clips if (c["speaker"], c["label"]) == (speaker, label)]
            for clip in found[:count]:
                path = emodb4 / clip["path"]
                rows.append((path, label, speaker, clip["sex"], number // 2 + 1))
    with (folder / "clips.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([("path", "label", "speaker", "sex", "fold"), *rows])
    assert main(["prepare", "--data", str(folder), "--out", str(folder / "out")]) == 0
    return folder / "out"


@pytest.fixture
def failed(capsys):
    """The one line that a command prints of bad use or input: `failed(main, argument, ...)`."""

    def run(main, *arguments):
        try:
            code = main([str(argument) for argument in arguments])
        except SystemExit as error:
            code = error.code
        assert code == 2
        out, err = capsys.readouterr()
        assert out.strip() == ""
        assert len(err.splitlines()) == 1
        return err

    return run


@pytest.fixture
def small_disk(tmp_path):
    """A file system of one megabyte."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", folder]
    if not shutil.which("mount") or subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("a small disk can be mounted by root alone, on Linux")
    yield folder
    subprocess.run(["umount", folder], check=True)
