"""Tasks of a corpus of one's own from a CSV to files, without a line of code: real clips."""

import csv
import json

import numpy as np
import pytest

from keras_reparam.deploy import load_classifier
from recipes.common.manifest import read_manifest
from recipes.custom.__main__ import main

# As EmoDB's authors publish them.
AGES = {
    "03": 31,
    "08": 34,
    "09": 21,
    "10": 32,
    "11": 26,
    "12": 30,
    "13": 32,
    "14": 35,
    "15": 25,
    "16": 31,
}
SMALL = "{channels: 4, units: 8, num_layers: 1, num_heads: 2, feed_forward_units: 16}"
TASKS = {
    "regression": ["target=age", "task=regression", "unit=years"],
    "multilabel": ["target=labels", "task=multilabel", "separator=/"],
}


def rows(path):
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def command(*arguments):
    return main([str(argument) for argument in arguments])


@pytest.fixture(scope="module")
def corpus(tmp_path_factory, emodb4):
    """Two clips of each emotion and speaker; no column `label`, but others."""
    folder = tmp_path_factory.mktemp("own")
    (folder / "audio").symlink_to(emodb4 / "audio")
    table, seen = ["path,speaker,sex,fold,Age,labels"], {}
    for row in rows(emodb4 / "emodb4.csv"):
        key = row["speaker"], row["label"]
        seen[key] = seen.get(key, 0) + 1
        if seen[key] <= 2 and row["speaker"] in AGES:
            loud = "/aroused" if row["label"] in ("anger", "happiness") else ""
            labels = "none" if row["label"] == "neutral" else f"{row['label']}{loud}"
            about = (row["path"], row["speaker"], row["sex"], int(row["speaker"]) % 3)
            table.append(",".join(map(str, (*about, AGES[row["speaker"]], labels))))
    (folder / "clips.csv").write_text("\n".join(table), encoding="utf-8")
    return folder


@pytest.mark.slow
@pytest.mark.parametrize("kind", TASKS)
def test_a_task_in_one_command(corpus, kind, capsys):
    out = corpus / "runs"
    settings = ["epochs=2", "frames=100", "batch_size=16", f"backbone_options={SMALL}"]
    arguments = ["all", "--data", corpus, "--out", out, "--fold", "0", *TASKS[kind], *settings]
    assert command(*arguments) == 0
    told = capsys.readouterr().out
    target = TASKS[kind][0].partition("=")[2]
    folder = out / f"{target}-conv_transformer-light-hrf4-seed1" / "fold-0"
    assert {"metrics.json", "MODEL_CARD.md", "golden", "ser_int8.tflite"} <= {
        path.name for path in folder.iterdir()
    }
    metrics = json.loads((folder / "metrics.json").read_text(encoding="utf-8"))["test"]
    card = (folder / "MODEL_CARD.md").read_text(encoding="utf-8")
    predictions = rows(folder / "predictions.csv")
    manifest = {segment.id: segment for segment in read_manifest(out / "manifest.csv")}
    assert all(manifest[row["id"]].cell(target) for row in predictions)
    result = load_classifier(folder / "ser_float32.tflite").classify_file(
        corpus / manifest[predictions[0]["id"]].path
    )
    if kind == "regression":
        assert {"ccc", "pearson", "mae", "intervals", "quarters"} <= set(metrics)
        assert "CCC" in told and "MAE" in told and "age in years" in card
        assert (result.unit, result.value_range) == ("years", (21.0, 35.0))
        assert result.value == pytest.approx(float(predictions[0]["value_age"]), abs=0.05)
        # Untrained or not: it says years, and not what is learnt in training.
        assert 15 < np.mean([float(row["value_age"]) for row in predictions]) < 45
    else:
        assert {"map", "macro_f1", "micro_f1", "intervals", "average_precision"} <= set(metrics)
        assert "mAP" in told and "each for itself" in card
        assert result.head == "sigmoid"
        assert list(result.labels) == ["anger", "aroused", "happiness", "sadness"]
        for label, score in zip(result.labels, result.probabilities, strict=True):
            assert score == pytest.approx(float(predictions[0][f"probability_{label}"]), abs=1e-3)
    # The whole is done; again, nothing is read or trained.
    assert command(*arguments) == 0
    other = ["--on", out / "manifest.csv", "--data", corpus, "--run", folder.parent.name]
    assert command("evaluate", "--out", out, *other) == 0


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (["target=labels", "task=regression"], "must hold a number in every row"),
        (["target=labels", "task=multilabel"], "say separator="),
        (["target=age", "task=regression", "range=[18, 30]"], "clips.csv:2"),
        (["target=height"], "no column height"),
        (
            ["target=age", "task=regression", "labels=[a, b]"],
            "task=regression there is no `labels`",
        ),
        (["target=age", "task=regression", "range=[30, 18]"], "`range` must be"),
        (["target=age", "task=regression", "select_on=ua"], "one of ccc, pearson, last"),
        (["target=age", "task=number"], "`task` must"),
        ([], "no column label"),
    ],
)
def test_bad_use_is_one_line(corpus, failed, tmp_path, settings, message):
    out = tmp_path / "out"
    assert message in failed(main, "all", "--data", corpus, "--out", out, *settings)
    assert not (out / "manifest.csv").exists() and not (out / "store").exists()
