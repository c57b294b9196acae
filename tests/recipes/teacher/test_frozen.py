"""A linear head on a teacher that stays as it is, by the commands."""

import csv
import json

import numpy as np
import pytest
from rich.console import Console
from scipy.special import softmax

from recipes.common.manifest import read_manifest
from recipes.common.store import Store
from recipes.common.teacher.linear_head import chosen_strength, fit_head
from recipes.common.teacher.pooled_features import PooledFeatures
from recipes.compare.cli import main as compare
from recipes.custom.__main__ import main
from recipes.custom.protocol import folds_of
from recipes.custom.settings import CustomSettings

pytest.importorskip("keras_hub")
from recipes.common.teacher.whisper_encoder import WhisperEncoder


def rows(path):
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


@pytest.mark.slow
def test_commands(prepared, preset, failed, capsys):
    """Trained, scored on its own and on another corpus; what is written is what the head says."""
    own = ["--out", str(prepared), "--run", "frozen", "--fold", "1"]
    settings = ["backbone=frozen", f"teacher={preset}", "teacher_layers=[3]"]
    assert main(["train", *own, *settings]) == 0
    assert main(["evaluate", *own]) == 0
    folder = prepared / "frozen" / "fold-1"
    other = ["--on", str(prepared / "manifest.csv"), "--data", str(prepared.parent)]
    assert main(["evaluate", *own, *other]) == 0
    capsys.readouterr()
    line = failed(main, "export", *own)
    assert "nothing of it is exported. Received:" in line and "backbone=frozen" in line

    segments = read_manifest(prepared / "manifest.csv")
    (fold,) = (f for f in folds_of(segments, CustomSettings()) if f.name == "1")
    encoder = WhisperEncoder(str(preset), [3])
    pooled = PooledFeatures(Store(prepared / "store"), encoder, Console(quiet=True))
    train = pooled.labelled(fold.train)
    strength = chosen_strength(train, pooled.labelled(fold.validation), 3)
    trained = json.loads((folder / "training.json").read_text())
    assert trained["strength"] == strength
    assert trained["validation"]["ua"] == float(rows(folder / "history.csv")[0]["val_ua"])
    expected = softmax(fit_head(*train, 3, strength)(pooled.of(fold.tests["test"])), axis=1)
    found = rows(folder / "predictions.csv")
    labels = ("anger", "neutral", "sadness")
    scores = [[float(row[f"probability_{label}"]) for label in labels] for row in found]
    np.testing.assert_allclose(scores, expected, atol=1e-6)
    (on,) = folder.glob("on-*")
    by_id = {row["id"]: row["prediction"] for row in rows(on / "predictions.csv")}
    assert {row["id"]: row["prediction"] for row in found}.items() <= by_id.items()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (["teacher=null"], "`backbone=frozen` needs a `teacher`"),
        (["teacher=runs/some-run"], "`backbone=frozen` needs a `teacher`"),
        (["teacher=whisper_tiny_en", "expansion=4"], "a linear head alone: there is no expansion"),
        (["teacher=whisper_tiny_en", "quantizer=int4"], "a linear head alone"),
    ],
)
def test_bad_settings(prepared, failed, settings, message):
    assert message in failed(main, "train", "--out", prepared, "backbone=frozen", *settings)


@pytest.mark.slow
def test_in_a_comparison(prepared, preset, tmp_path):
    """Beside a small model, without a file, a curve or a comparison with it."""
    (tmp_path / "custom").symlink_to(prepared)
    small = {"channels": 4, "units": 8, "num_layers": 1, "num_heads": 2, "feed_forward_units": 16}
    base = {"backbone_options": small, "frames": 100, "batch_size": 4, "epochs": 1}
    further = {
        "backbones": ["frozen"],
        "settings": {"backbone_options": {}, "teacher": str(preset), "teacher_layers": [2]},
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
