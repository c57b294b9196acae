"""What runs reached, as a table in a page."""

from contextlib import nullcontext as nothing

import numpy as np
import pytest

from recipes.common.files.json_file import write_json
from recipes.page import main


def run_of(folder, validation, test, on=None):
    """What the command reads of a run."""
    for number, ua in enumerate(validation, start=1):
        fold = folder / f"fold-{number}"
        (fold / "on-other").mkdir(parents=True)
        write_json(fold / "training.json", {"epochs": 7, "validation": {"ua": ua}})
        if on is not None:
            write_json(fold / "on-other" / "metrics.json", {"other": {"ua": on[number - 1]}})
    if test is not None:
        pooled = {"ua": 0.6, "intervals": {"ua": [0.55, 0.65]}, "majority": {"ua": 0.25}}
        folds = {str(number): {"ua": ua} for number, ua in enumerate(test)}
        write_json(folder / "metrics.json", {"test": {"folds": folds, "pooled": pooled}})
    return folder


def test_a_row_for_each_run(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("# Page\n<!-- a -->\nold\n<!-- end of a -->\nend\n")
    validation, test, on = (0.5, 0.7, 0.61), (0.4, 0.6, 0.5), (0.2, 0.3, 0.25)
    full = run_of(tmp_path / "full", validation, test, on)
    part = run_of(tmp_path / "part", (0.5,), None, on)
    command = [f"a=1={full}", f"part={part}", "--into", str(page), "--name", "a"]
    assert main(command) == 0
    text = page.read_text()
    assert text.startswith("# Page\n<!-- a -->\n") and text.endswith("<!-- end of a -->\nend\n")
    rows = [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in text.splitlines()
        if line.startswith("|")
    ]
    header, _, first, second = rows
    assert header[1:] == [
        *("folds", "epochs", "validation UA", "test UA", "pooled", "majority", "UA on other"),
    ]
    for column, values in ((3, validation), (4, test), (7, on)):
        mean, deviation = 100 * np.mean(values), 100 * np.std(values, ddof=1)
        assert first[column] == f"{mean:.1f} ± {deviation:.1f}"
    assert first[:3] == ["a=1", "3", "7"] and first[5:7] == ["60.0 (55 to 65)", "25.0"]
    assert second == ["part", "1", "7", "50.0", "-", "-", "-", "20.0"]


def test_bad_use_changes_nothing(tmp_path, capsys):
    page = tmp_path / "page.md"
    page.write_text("<!-- a -->\n<!-- end of a -->\n")
    (tmp_path / "empty").mkdir()
    for arguments, message in (
        ([f"x={tmp_path / 'empty'}"], "train first"),
        (["x"], "expected WHAT=RUN. Received: x"),
    ):
        with pytest.raises(SystemExit) if "expected" in message else nothing():
            assert main([*arguments, "--into", str(page), "--name", "a"]) == 2
        assert message in " ".join(capsys.readouterr().err.split())
    assert page.read_text() == "<!-- a -->\n<!-- end of a -->\n"
