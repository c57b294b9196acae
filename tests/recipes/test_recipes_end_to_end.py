"""The command of a recipe from the corpus to the files, on generated copies (made-up audio)."""

import collections
import csv
import importlib
import itertools
import json
import math

import pytest

from keras_reparam.deploy import load_classifier
from recipes.common import cli
from recipes.common.manifest import read_manifest
from recipes.common.run_folder import RunFolder
from tests.recipes.copies import daic_woz, iemocap, m3ed

COPIES = {"iemocap": iemocap, "m3ed": m3ed, "daic_woz": daic_woz}
# As small as each backbone can be: compiling costs more than two steps.
SMALL = {
    "conv_transformer": (
        "{channels: 4, units: 8, num_layers: 1, num_heads: 2, feed_forward_units: 16}"
    ),
    "conformer": "{channels: 4, units: 8, num_layers: 1, num_heads: 2, kernel_size: 3}",
    "speechformer": "{units: 8, num_layers: [1, 1, 1, 1]}",
    "haffformer": "{units: [8, 8, 8], num_layers: [1, 1, 1]}",
}


def recipe_of(name):
    return importlib.import_module(f"recipes.{name}.recipe").RECIPE


def run(name, *arguments):
    return cli.main(recipe_of(name), [str(argument) for argument in arguments])


def rows(path):
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    """Prepares a tiny copy of a corpus once: `prepared(name)` is the folder of its runs."""
    folders = {}

    def prepare(name):
        if name not in folders:
            folder = tmp_path_factory.mktemp(name)
            (folder / "copy").mkdir()
            COPIES[name].tiny(folder / "copy")
            out = folder / "runs"
            allow = ["--allow-count-mismatch", "--allow-malformed-line", "--allow-unreadable-audio"]
            assert run(name, "prepare", "--data", folder / "copy", "--out", out, *allow) == 0
            folders[name] = out
        return folders[name]

    return prepare


def two_steps(name, out, settings):
    """The fold with most training examples, and the batch size that makes two steps of them."""
    recipe = recipe_of(name)
    segments = read_manifest(out / "manifest.csv")
    fold = max(recipe.folds_of(segments, settings), key=lambda fold: len(fold.train))
    return fold, math.ceil(len(fold.train) / 2)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "backbone", "expansion"),
    # Each backbone with HRF, and each corpus; one plain.
    [
        *zip(itertools.cycle(COPIES), SMALL, itertools.repeat(2), strict=False),
        ("daic_woz", "conv_transformer", 0),
    ],
)
def test_two_steps_of_every_backbone_on_every_corpus(prepared, name, backbone, expansion):
    out = prepared(name)
    recipe = recipe_of(name)
    fold, size = two_steps(name, out, recipe.settings(backbone=backbone))
    label = f"{backbone}-{expansion}"
    settings = [
        *(f"backbone={backbone}", f"expansion={expansion}", f"batch_size={size}", "epochs=1"),
        *("frames=100", f"backbone_options={SMALL[backbone]}"),
    ]
    common = ["--out", out, "--run", label, "--fold", fold.name]
    assert run(name, "train", *common, *settings) == 0
    assert run(name, "evaluate", *common) == 0
    folder = RunFolder(out / label).fold(fold.name)
    about = json.loads((folder / "training.json").read_text(encoding="utf-8"))
    parameters = about["parameters"]
    assert (parameters["training"] > parameters["merged"]) == (expansion > 0)
    (history,) = rows(folder / "history.csv")
    assert math.isfinite(float(history["loss"]))
    splits = {split: {e.decision for e in found} for split, found in fold.tests.items()}
    predictions = rows(folder / "predictions.csv")
    for split, decisions in splits.items():
        assert {row["id"] for row in predictions if row["split"] == split} == decisions
    for row in predictions:
        shares = [float(value) for key, value in row.items() if key.startswith("probability_")]
        assert sum(shares) == pytest.approx(1, abs=1e-6)


@pytest.fixture
def own_corpus(tmp_path, emodb4):
    """Real clips as a corpus of one's own: two of each emotion of eight speakers, some bored."""
    folder = tmp_path / "own"
    folder.mkdir()
    (folder / "audio").symlink_to(emodb4 / "audio")
    seen = collections.Counter()
    lines = ["path,label,speaker,fold"]
    for row in rows(emodb4 / "emodb4.csv"):
        key = row["speaker"], row["label"]
        seen[key] += 1
        if seen[key] <= 2:
            label = "bored" if seen[key] == 2 and row["label"] == "neutral" else row["label"]
            fold = int(row["speaker"]) % 3
            lines.append(f"{row['path']},{label},{row['speaker']},{fold}")
    (folder / "clips.csv").write_text("\n".join(lines), encoding="utf-8")
    return folder


@pytest.mark.slow
def test_everything_in_one_command(tmp_path, own_corpus, capsys):
    """Twice: the second call finds all done, and does not read the test split again."""
    out = tmp_path / "runs"
    arguments = [
        *("all", "--data", own_corpus, "--out", out, "--fold", "0", "--run", "tiny", "epochs=2"),
        *("labels=[anger, happiness, neutral, sadness]", "frames=150", "batch_size=8"),
        *("patience=5", "speeds=[0.9, 1]", f"backbone_options={SMALL['conv_transformer']}"),
        "front_end={level_normalization: true, remove_dc_offset: true, hop_length: 320}",
    ]
    assert run("custom", *arguments) == 0
    folder = out / "tiny" / "fold-0"
    files = {
        *("history.csv", "curves.png", "train.keras", "light.keras", "training.json"),
        *("metrics.json", "predictions.csv", "confusion.png", "test_readings.json"),
        *("ser_float32.tflite", "ser_int8.tflite", "export.json", "MODEL_CARD.md", "golden"),
        *("predictions-float32.csv", "predictions-int8.csv"),
    }
    assert {path.name for path in folder.iterdir()} == files
    assert "majority" in capsys.readouterr().out
    classifier = load_classifier(folder / "ser_int8.tflite")
    assert list(classifier.labels) == ["anger", "happiness", "neutral", "sadness"]
    config = json.loads((out / "tiny" / "config.json").read_text(encoding="utf-8"))
    assert config["epochs"] == 2
    assert config["learning_rate"] == 2e-3
    assert purposes(folder) == ["evaluate", "export"]

    assert run("custom", *arguments) == 0
    assert purposes(folder) == ["evaluate", "export"]
    assert run("custom", "evaluate", "--out", out, "--run", "tiny") == 0
    assert "read for this before" in capsys.readouterr().out
    assert purposes(folder) == ["evaluate", "export", "evaluate"]

    manifest = out / "manifest.csv"
    other = ["evaluate", "--out", out, "--run", "tiny", "--on", manifest, "--data", own_corpus]
    assert run("custom", *other) == 0
    assert "x boredom" in capsys.readouterr().out
    found = rows(folder / "on-runs" / "predictions.csv")
    kept = [s.id for s in read_manifest(manifest) if s.label in classifier.labels]
    assert [row["id"] for row in found] == kept
    # What a clip scores depends on its samples alone, which the store rounds to 16 bits.
    before = {row["id"]: row for row in rows(folder / "predictions.csv")}
    assert before
    for row in found:
        for label in classifier.labels if row["id"] in before else ():
            key = f"probability_{label}"
            assert float(row[key]) == pytest.approx(float(before[row["id"]][key]), abs=1e-3)


def purposes(folder):
    """Of the readings of the test split."""
    text = (folder / "test_readings.json").read_text(encoding="utf-8")
    return [reading["purpose"] for reading in json.loads(text)]


def test_bad_use_is_one_line(tmp_path, failed, prepared, capsys):
    def command(arguments):
        return run("iemocap", *arguments)

    out = ["--out", prepared("iemocap")]
    capsys.readouterr()
    assert "is not prepared" in failed(command, "train", "--out", tmp_path / "none")
    assert "no setting `epoch`" in failed(command, "train", *out, "epoch=3")
    assert "name=value" in failed(command, "train", *out, "epochs")
    message = failed(command, "train", *out, "epochs=0", "optimizer=adam")
    assert "`epochs` must" in message and "`optimizer` must" in message
    assert "Folds are 1, 2, 3, 4, 5" in failed(command, "train", *out, "--fold", "7")
    assert "train first" in failed(command, "evaluate", *out, "--run", "new", "--fold", "1")
    assert not (prepared("iemocap") / "new").exists()
    assert "no file" in failed(command, "train", *out, "--config", tmp_path / "no.yaml")
    assert "--data DIR" in failed(command, "evaluate", *out, "--on", prepared("iemocap") / "x.csv")
    options = "backbone_options={layers: 3}"
    for wrong, what in ((options, "`backbone_options` must be"), ("size=huge", "`size` must be")):
        assert run("iemocap", "train", *out, "--fold", "1", wrong) == 2
        assert what in capsys.readouterr().err
