"""The types of the package, as pyright sees them with the settings of pyproject.toml."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture
def pyright(run_python):
    """Runs pyright. Its first run may download Node.js or pyright itself: offline it cannot run."""

    def run(*arguments):
        # Or it asks a server for a newer version of itself, and prints a warning.
        environment = {"PYRIGHT_PYTHON_IGNORE_WARNINGS": "1"}
        return run_python("-m", "pyright", *arguments, env=environment, cwd=ROOT)

    try:
        tried = run("--version")
    except subprocess.TimeoutExpired as error:
        pytest.skip(f"pyright cannot run here: no answer after {error.timeout:g} s")
    if tried.returncode:
        reason = (tried.stderr.strip() or tried.stdout.strip()).splitlines()[-1:]
        pytest.skip(f"pyright cannot run here; offline its first run fails: {''.join(reason)}")
    return run


@pytest.mark.slow
def test_pyright_finds_no_errors(pyright):
    found = pyright("--pythonpath", sys.executable)
    assert found.returncode == 0, found.stdout + found.stderr
