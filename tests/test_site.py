"""The documentation site is built strictly: its pages, their links and anchors, the reference."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.test_docs import public_names

ROOT = Path(__file__).resolve().parents[1]
COMMANDS = ROOT / "docs" / "api" / "commands.md"


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    folder = tmp_path_factory.mktemp("site")
    command = ("-m", "mkdocs", "build", "--strict", "-q", "-f", "docs/mkdocs.yml", "-d", folder)
    child = subprocess.run(
        [sys.executable, *map(str, command)],
        cwd=ROOT,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
    )
    assert child.returncode == 0, child.stdout + child.stderr
    return folder


@pytest.mark.slow
def test_every_public_name_is_in_the_reference(site):
    text = "".join(path.read_text() for path in (site / "docs" / "api").glob("*.html"))
    shown = {name.rpartition(".")[2] for name in re.findall(r'id="(keras_reparam\.[\w.]+)"', text)}
    packages = {"audio", "deploy", "layers", "models", "pruning", "quantizers", "transforms"}
    assert {name for _, name in public_names()} - packages <= shown


@pytest.mark.slow
def test_nothing_comes_from_elsewhere(site):
    for path in site.rglob("*.html"):
        loaded = re.findall(
            r"<(?:script|img|link)[^>]*(?:src|href)=\"?(https?:[^\s\">]+)", path.read_text()
        )
        assert not loaded, path.name


def test_every_command_is_listed():
    from keras_reparam.cli import _parser

    text = COMMANDS.read_text(encoding="utf-8")
    (commands,) = (a.choices for a in _parser()._actions if a.choices and a.dest != "help")
    for name in commands:
        assert f"`keras-reparam {name} " in text
    folder = ROOT / "keras_reparam" / "benchmarks"
    for path in folder.glob("*.py"):
        if 'prog="python -m' in path.read_text(encoding="utf-8"):
            assert f"| `{path.stem}` |" in text
