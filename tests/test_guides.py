"""The guides run, and their pages are made of them."""

import importlib.util
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
GUIDES = ROOT / "docs" / "guides"
each = pytest.mark.parametrize("name", sorted(path.stem for path in GUIDES.glob("*.py")))


@pytest.fixture(scope="module")
def render():
    spec = importlib.util.spec_from_file_location("render", ROOT / "docs" / "render.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@each
def test_the_page_is_made_of_the_guide(render, name):
    text = (GUIDES / f"{name}.md").read_text(encoding="utf-8")
    assert render.without_output(text) == render.page(name)
    assert "```text" in text


@pytest.mark.slow
@pytest.mark.filterwarnings(
    # KerasHub's layers, on Keras 3.15.
    "ignore:.*`build\\(\\)` was called on layer",
    "ignore:.*destroy the mask information",
)
@each
def test_the_guide_runs(render, name):
    with render.session() as run:
        text = render.page(name, run)
    assert render.without_output(text) == render.page(name)
