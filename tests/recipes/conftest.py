"""Fixtures of the recipes' tests."""

import shutil
import subprocess

import pytest


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
