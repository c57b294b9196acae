"""The quickstart as a user runs it: small here, whole in the slow tests."""

import csv
import json
import os
import signal
import struct
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, balanced_accuracy_score, confusion_matrix

from keras_reparam.deploy import check_golden, read_metadata
from recipes.common.command import exit_code
from recipes.common.tasks.classes import Classes
from recipes.quickstart.__main__ import main
from recipes.quickstart.settings import Settings

ROOT = Path(__file__).resolve().parents[2]
LABELS = ["anger", "happiness", "neutral", "sadness"]
VARIANTS = ["Keras, in training", "Keras, merged", "TFLite float32", "TFLite int8"]
FILES = {
    *("MODEL_CARD.md", "config.json", "confusion.png", "curves.png", "golden", "history.csv"),
    *("light.keras", "metrics.json", "predictions.csv", "ser_float32.tflite", "ser_int8.tflite"),
    "train.keras",
}
COMMAND = [sys.executable, "-m", "recipes.quickstart", "--limit", "2", "--epochs", "1"]
PRETRAINED = ROOT / "keras_reparam" / "pretrained"


def rows_of(path):
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def probabilities(rows, variant):
    found = [row for row in rows if row["variant"] == variant]
    return np.array([[float(row[f"probability_{label}"]) for label in LABELS] for row in found])


def check_run(folder, manifest, screen):
    """What holds for every run, small or whole."""
    assert {path.name for path in folder.iterdir()} == FILES
    config = json.loads((folder / "config.json").read_text())
    metrics = json.loads((folder / "metrics.json").read_text())
    check_speakers(config, manifest)
    assert config["front_end"]["utterance_mean"] is False
    statistics = config["front_end_statistics"]
    assert "training clips" in statistics["of"]
    assert len(statistics["mean"]) == len(statistics["std"]) == config["front_end"]["num_mels"]
    check_scores(folder, metrics, manifest)
    check_training(folder, metrics)
    check_files(folder)
    for name in ("confusion.png", "curves.png"):
        content = (folder / name).read_bytes()
        assert content[:8] == b"\x89PNG\r\n\x1a\n"
        assert min(struct.unpack(">II", content[16:24])) > 600
    for text in (
        "Re-parameterization of",
        "keras-reparam classify --model",
        "█",
        "What next",
        *FILES,
    ):
        assert text in screen
    # A table that is cut off at 80 columns has the last.
    for noise in ("WARNING", "Warning", "cuda", "Traceback", "…"):
        assert noise not in screen
    return metrics


def check_speakers(config, manifest):
    speakers = {split: set(found) for split, found in config["speakers"].items()}
    assert set(speakers) == {"train", "validation", "test"}
    assert len(set.union(*speakers.values())) == sum(map(len, speakers.values()))
    assert speakers["test"] == {"03", "08"}
    for row in manifest:
        assert all(
            row["speaker"] not in found or row["split"] == split
            for split, found in speakers.items()
        )


def check_scores(folder, metrics, manifest):
    """Every figure against scikit-learn; the four variants against each other."""
    rows = rows_of(folder / "predictions.csv")
    assert metrics["labels"] == LABELS
    assert list(metrics["variants"]) == VARIANTS
    test = {row["id"]: row for row in manifest if row["split"] == "test"}
    for variant, found in metrics["variants"].items():
        mine = [row for row in rows if row["variant"] == variant]
        truth = [test[row["id"]]["label"] for row in mine]
        predicted = [row["prediction"] for row in mine]
        best = probabilities(rows, variant).argmax(axis=1)
        assert [LABELS[i] for i in best] == predicted
        assert found["ua"] == pytest.approx(balanced_accuracy_score(truth, predicted))
        assert found["wa"] == pytest.approx(accuracy_score(truth, predicted))
        assert found["confusion"] == confusion_matrix(truth, predicted, labels=LABELS).tolist()
        assert found["clips"] == len(mine)
        assert found["bytes"] == (folder / found["file"]).stat().st_size
        assert 0 < found["milliseconds"]["median"] < 1000
    assert metrics["environment"]["cpu"]
    first = probabilities(rows, VARIANTS[0])
    for variant in VARIANTS[1:3]:
        assert np.abs(probabilities(rows, variant) - first).max() < 1e-3
    int8 = probabilities(rows, VARIANTS[3])
    assert np.mean(int8.argmax(axis=1) == first.argmax(axis=1)) >= 0.9
    assert np.abs(int8 - first).mean() < 0.05
    merge = metrics["merge"]
    assert merge["difference"] < 1e-4 * merge["scale"]
    assert merge["merged_parameters"] < 160_000 < merge["training_parameters"]


def check_training(folder, metrics):
    """Of equals the first: the epoch with the highest UA on the validation speakers."""
    history = rows_of(folder / "history.csv")
    assert list(history[0]) == ["epoch", "loss", "val_loss", "val_ua"]
    ua = [float(row["val_ua"]) for row in history]
    assert len(ua) == metrics["training"]["epochs"]
    assert metrics["training"]["chosen_epoch"] == 1 + int(np.argmax(ua))
    assert metrics["training"]["validation_ua"] == max(ua)


def check_files(folder):
    models = {kind: folder / f"ser_{kind}.tflite" for kind in ("float32", "int8")}
    for path in models.values():
        about = read_metadata(path.read_bytes())
        assert (list(about.labels), about.sample_rate) == (LABELS, 16000)
    assert models["int8"].stat().st_size < 0.6 * models["float32"].stat().st_size
    check_package(folder)


def check_package(folder):
    """Golden vectors hold; their clips are of the held-out speakers and small."""
    models = {kind: folder / f"ser_{kind}.tflite" for kind in ("float32", "int8")}
    report = check_golden(folder / "golden", models)
    assert report.passed
    clips = sorted((folder / "golden").glob("*.wav"))
    assert len(clips) == 6
    assert len(report.rows) == 12
    assert {clip.name[:2] for clip in clips} == {"03", "08"}
    assert sum(clip.stat().st_size for clip in clips) < 800_000
    card = (folder / "MODEL_CARD.md").read_text()
    for text in ("CC0", "German", "Limits", "Speaker-independent", "recall anger", "UA female"):
        assert text in card


@pytest.fixture(scope="module")
def manifest(emodb4):
    return rows_of(emodb4 / "emodb4.csv")


# `.ci/run` runs the command itself.
@pytest.mark.nightly
def test_small_run(run_python, tmp_path, manifest):
    """All stages, on a few clips, for one epoch."""
    (tmp_path / "run").mkdir()
    child = run_python(
        *("-m", "recipes.quickstart", "--limit", "2", "--epochs", "1"),
        *("--out", tmp_path / "run"),
        cwd=ROOT,
        env={"COLUMNS": "80"},
    )
    assert child.returncode == 0, child.stderr
    assert child.stderr == ""
    metrics = check_run(tmp_path / "run", manifest, child.stdout)
    assert metrics["variants"]["TFLite int8"]["clips"] == 8
    assert max(map(len, child.stdout.splitlines())) <= 200
    tables = [line for line in child.stdout.splitlines() if line.startswith(("┃", "│"))]
    assert max(map(len, tables)) <= 80


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--epochs", "0"), "`epochs` must be greater"),
        (("--limit", "-1"), "`limit` must be greater"),
        (("--seed", "-1"), "`seed` must be"),
        (("--expansion", "half"), "invalid int value"),
        (("--data", "nowhere"), "no folder of clips 'nowhere'"),
    ],
)
def test_bad_input_is_one_line(failed, tmp_path, arguments, message):
    assert message in failed(main, "--out", tmp_path / "run", *arguments)
    assert not list(tmp_path.iterdir())


def test_folder_that_cannot_be_written(failed, tmp_path):
    (tmp_path / "file").touch()
    assert "file" in failed(main, "--out", tmp_path / "file" / "run")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_a_speaker_in_two_splits_stops_the_run(capsys, tmp_path, emodb4):
    data, out = tmp_path / "data", tmp_path / "run"
    data.mkdir()
    text = (emodb4 / "emodb4.csv").read_text(encoding="utf-8")
    (data / "emodb4.csv").write_text(text.replace("male,anger,test", "male,anger,train", 1))
    assert main(["--data", str(data), "--out", str(out)]) == 2
    err = capsys.readouterr().err
    assert err.count("\n") == 1
    assert "Every speaker must be in one split alone" in err
    assert not out.exists()


@pytest.mark.parametrize(("error", "code"), [(KeyboardInterrupt, 130), (OSError(28, "full"), 2)])
def test_commands_end_with_one_line(capsys, error, code):
    def body():
        raise error

    assert exit_code("recipe", body) == code
    assert len(capsys.readouterr().err.strip().splitlines()) == 1


def test_gain_is_that_of_the_waveform(emodb4, manifest):
    """Louder features are the features of the louder waveform."""
    from keras_reparam.audio import LogMel, load
    from recipes.common.training.windows import with_gain

    samples = load(emodb4 / manifest[0]["path"])
    log_mel = LogMel()
    features, louder = (np.array(log_mel(gain * samples)[0]) for gain in (1.0, 10**0.3))
    expected = with_gain(features, 6.0, log_mel.log_offset)
    assert np.abs(expected - louder).max() < 0.05
    loud = features > -10
    assert np.abs(expected - louder)[loud].max() < 2e-3


def test_shifted_features_repeat_the_outermost_band():
    from recipes.common.training.windows import shifted

    features = np.arange(8.0).reshape(2, 4)
    assert shifted(features, 1).tolist() == [[0, 0, 1, 2], [4, 4, 5, 6]]
    assert shifted(features, -2).tolist() == [[2, 3, 3, 3], [6, 7, 7, 7]]
    assert np.array_equal(shifted(features, 0), features)


def test_batches_hold_every_clip_once_with_its_mask():
    from keras_reparam.audio import LogMel
    from recipes.common.features import Features
    from recipes.common.training.batches import TrainingBatches
    from recipes.common.training.windows import FeatureWindows

    log_mel = LogMel(num_mels=4)
    log_mel.build(None)
    settings = Settings(frames=10, batch_size=4, gain=0.0, shift=0)
    lengths = [3, 10, 25, 7, 9, 10]
    features = [
        [Features(np.full((n, 4), i, "float32"), np.ones(n, bool))] for i, n in enumerate(lengths)
    ]
    windows = FeatureWindows(features, log_mel, settings)
    batches = TrainingBatches(windows, [0, 0, 0, 0, 1, 1], Classes(("a", "b")), settings)
    orders = []
    for _ in range(2):
        seen = []
        for index in range(len(batches)):
            (values, mask), targets, weights = batches[index]
            clips = values[:, 0, 0].round().astype(int)
            seen += clips.tolist()
            assert mask.sum(axis=1).tolist() == [min(lengths[clip], 10) for clip in clips]
            assert targets.argmax(axis=1).tolist() == [int(clip >= 4) for clip in clips]
            assert weights.tolist() == [1.5 if clip >= 4 else 0.75 for clip in clips]
        assert sorted(seen) == list(range(6))
        orders.append(seen)
        batches.start_at(1)
    assert orders[0] != orders[1]


def test_installed_command_is_right_about_a_clip_never_heard(run_cli, clip):
    child = run_cli("classify", clip, "--json")
    assert child.returncode == 0, child.stderr
    (found,) = json.loads(child.stdout)
    assert found["label"] == "anger"


@pytest.mark.nightly
def test_whole_run(run_python, tmp_path, manifest):
    threads = dict.fromkeys(("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"), "")
    child = run_python(
        *("-m", "recipes.quickstart", "--out", tmp_path),
        cwd=ROOT,
        env={"COLUMNS": "120", "OMP_NUM_THREADS": "2", **threads},
        timeout=1200,
    )
    assert child.returncode == 0, child.stderr
    metrics = check_run(tmp_path, manifest, child.stdout)
    for variant in VARIANTS:
        assert metrics["variants"][variant]["ua"] >= 0.65
        assert metrics["variants"][variant]["clips"] == 81
    assert metrics["training"]["epochs"] == Settings().epochs


@pytest.mark.slow
def test_full_disk_leaves_nothing(run_python, small_disk):
    child = run_python(*COMMAND[1:], "--out", small_disk / "run", cwd=ROOT)
    assert child.returncode == 2
    assert child.stderr.count("\n") == 1
    assert "No space left" in child.stderr
    assert not list(small_disk.iterdir())


@pytest.mark.slow
@pytest.mark.parametrize("seconds", [2, 12])
def test_ctrl_c_leaves_nothing(tmp_path, seconds):
    process = subprocess.Popen(
        [*COMMAND[:-1], "100", "--out", tmp_path / "run"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    time.sleep(seconds)
    os.kill(process.pid, signal.SIGINT)
    try:
        _, err = process.communicate(timeout=300)
    finally:
        process.kill()
    assert process.returncode == 130
    assert err.strip() == "quickstart: stopped; nothing half-written is left"
    assert not list(tmp_path.iterdir())
