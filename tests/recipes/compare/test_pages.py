"""Pages: what is inserted, and what they say of the axes."""

import json
from pathlib import Path

import pytest
import yaml

from recipes.common.configuration import load_settings
from recipes.common.files.page import insert_table
from recipes.compare.planning.grid import Ablation, Grid
from recipes.compare.report.report import readme_table

ROOT = Path(__file__).resolve().parents[3]
STUDY, TABLES = (ROOT / "docs" / name for name in ("howto/study.md", "results/comparisons.md"))

PAGE = "# Title\n\n<!-- first -->\nold\n<!-- end of first -->\n\nmore\n"


def test_only_what_is_between_the_markers_changes(tmp_path):
    page = tmp_path / "README.md"
    page.write_text(PAGE, encoding="utf-8")
    for _ in range(2):
        insert_table(page, "| a |\n|---|\n", name="first")
        assert page.read_text(encoding="utf-8") == PAGE.replace("old", "\n| a |\n|---|\n")


@pytest.mark.parametrize(
    "text", ["", "<!-- first -->\n", "<!-- end of first --><!-- first -->\n", PAGE + PAGE]
)
def test_without_markers_nothing_is_written(tmp_path, text):
    page = tmp_path / "README.md"
    page.write_text(text, encoding="utf-8")
    with pytest.raises(ValueError, match="<!-- first -->"):
        insert_table(page, "table", name="first")
    assert page.read_text(encoding="utf-8") == text


def section(title):
    text = STUDY.read_text(encoding="utf-8")
    return text.split(f"\n## {title}\n")[1].split("\n## ")[0]


def test_the_page_has_all_axes_and_ablations():
    text = section("The axes")
    rows = [line for line in text.splitlines() if line.startswith("| `")]
    named = [row.split("`")[1] for row in rows]
    assert named == [*Grid.model_fields, *Ablation.__args__]


@pytest.mark.parametrize("name", ["first", "ingredients"])
def test_the_page_s_table_is_that_of_the_results(name, tmp_path):
    page = tmp_path / "README.md"
    page.write_bytes(TABLES.read_bytes())
    insert_table(page, readme_table(ROOT / "recipes" / "results" / name), name=name)
    assert page.read_bytes() == TABLES.read_bytes()


@pytest.mark.parametrize("name", ["first", "ingredients"])
def test_results_are_of_their_configuration(name):
    settings = json.loads((ROOT / "recipes" / "results" / name / "grid.json").read_text())
    grid = load_settings(Grid, ROOT / "recipes" / "compare" / f"{name}.yaml", [])
    assert Grid.model_validate(settings["settings"]) == grid


def test_the_page_s_grid_is_one():
    lines = [line[4:] for line in section("The axes").splitlines() if line.startswith("    ")]
    grid = Grid.model_validate(yaml.safe_load("\n".join(lines)))
    assert [axes.sizes for axes in grid.products()] == [("light",), ("large",)]
