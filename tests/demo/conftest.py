"""What comes with the package, and where pictures go."""

import json
import os
from pathlib import Path

import pytest

from keras_reparam.deploy.runtime.shipped import shipped_files


@pytest.fixture(scope="session")
def shipped():
    """The folder of the package's models and golden clips."""
    with shipped_files() as folder:
        yield folder


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
