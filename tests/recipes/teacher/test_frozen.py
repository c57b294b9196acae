"""A linear head on a teacher that stays as it is, by the commands."""

import csv
import json

import numpy as np
import pytest

from recipes.compare.cli import main as compare
from recipes.custom.__main__ import main
from recipes.teachers.features import main as write
from tests.recipes.teacher import tiny_whisper

pytest.importorskip("keras_hub")


def rows(path):
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


@pytest.mark.slow
def test_a_teacher_is_a_folder_of_its_features(prepared, preset, tmp_path, capsys):
    """Trained on what it hears, or on what the command has written: the same head, which says
    the same of its own and of another corpus."""
    data = ["--manifest", str(prepared / "manifest.csv"), "--data", str(prepared.parent)]
    command = ["--teacher", str(preset), "--layers", "2", "3", "--out", str(tmp_path / "folder")]
    assert write(command + data) == 0
    assert write(command + data) == 0
    assert write(["--teacher", str(preset), *command[5:], *data]) == 2
    assert "or of other layers" in capsys.readouterr().err
    sources = {"heard": [f"teacher={preset}"], "read": [f"features={tmp_path / 'folder'}"]}
    scores = {}
    for name, source in sources.items():
        own = ["--out", str(prepared), "--run", name, "--fold", "1"]
        assert main(["train", *own, "backbone=frozen", "epochs=2", *source]) == 0
        assert main(["evaluate", *own]) == 0
        other = ["--on", str(prepared / "manifest.csv"), "--data", str(prepared.parent)]
        assert main(["evaluate", *own, *other]) == 0
        folder = prepared / name / "fold-1"
        (on,) = folder.glob("on-*")
        found = [rows(place / "predictions.csv") for place in (folder, on)]
        assert [len(each) for each in found] == [8, 24]
        scores[name] = [float(row["probability_anger"]) for each in found for row in each]
    np.testing.assert_allclose(scores["heard"], scores["read"], atol=0.01)
    parameters = [
        json.loads((prepared / name / "fold-1" / "training.json").read_text())["parameters"]
        for name in sources
    ]
    assert parameters[0] == parameters[1]
    head = 2 + 2 * tiny_whisper.WIDTH * 3 + 3
    assert parameters[0]["training"] == head < parameters[0]["merged"] - 1000


@pytest.mark.slow
def test_in_a_comparison(prepared, tmp_path):
    """Beside a small model, without a file, a curve or a comparison with it."""
    (tmp_path / "custom").symlink_to(prepared)
    small = {"channels": 4, "units": 8, "num_layers": 1, "num_heads": 2, "feed_forward_units": 16}
    base = {"backbone_options": small, "frames": 100, "batch_size": 4, "epochs": 1}
    further = {
        "backbones": ["frozen"],
        "settings": {"backbone_options": {}, "features": "log_mel"},
    }
    axes = ['corpora=["custom"]', 'folds=["1"]', "seeds=[1]", "expansions=[0]"]
    axes += [f"settings={json.dumps(base)}", f"include={json.dumps([further])}"]
    where = ["--grid", str(tmp_path / "grid"), "--prepared", str(tmp_path)]
    assert compare(["run", *where, *axes]) == 0
    assert compare(["report", *where, "--out", str(tmp_path / "report")]) == 0
    found = {row["backbone"]: row for row in rows(tmp_path / "report" / "scores.csv")}
    assert found["frozen"]["int8_bytes"] == "" != found["conv_transformer"]["int8_bytes"]
    assert 0 <= float(found["frozen"]["ua_mean"]) <= 1
    assert "frozen" in (tmp_path / "report" / "report.md").read_text()
