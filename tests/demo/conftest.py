"""LiteRT.js from npm, what comes with the package, and where pictures go."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from keras_reparam.demo.litert_js import PACKAGES
from keras_reparam.deploy.runtime.shipped import shipped_files


@pytest.fixture(scope="session")
def shipped():
    """The folder of the package's models and golden clips."""
    with shipped_files() as folder:
        yield folder


@pytest.fixture(scope="session")
def npm_archives(tmp_path_factory):
    """A folder laid out as a registry, with the archives that npm itself has fetched."""
    if shutil.which("npm") is None:
        pytest.skip("npm is not installed, which fetches LiteRT.js for the tests")
    registry = tmp_path_factory.mktemp("registry")
    for package in PACKAGES:
        folder = (registry / package.address).parent
        folder.mkdir(parents=True)
        command = ["npm", "pack", "--silent", f"{package.name}@{package.version}"]
        child = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=300)
        assert child.returncode == 0, child.stderr
        (archive,) = folder.iterdir()
        archive.rename(registry / package.address)
    return registry


@pytest.fixture(scope="session")
def golden(shipped):
    """What `golden.json` says."""
    return json.loads((shipped / "golden" / "golden.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="session")
def pictures(tmp_path_factory):
    """Where screenshots go: `KERAS_REPARAM_PICTURES`, for who wants to look at them."""
    named = os.environ.get("KERAS_REPARAM_PICTURES")
    folder = Path(named) if named else tmp_path_factory.mktemp("pictures")
    folder.mkdir(exist_ok=True)
    return folder
