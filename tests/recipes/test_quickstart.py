"""The quickstart as a user runs it: small here, whole in the slow tests."""

import csv
import dataclasses
import json
import os
import shutil
import signal
import struct
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, balanced_accuracy_score, confusion_matrix

from keras_reparam.deploy import check_golden, load_classifier, read_metadata
from recipes.common.command import exit_code
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
    for noise in ("WARNING", "Warning", "cuda", "Traceback"):
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


# `.ci/run` runs the command itself; `test_small_run_on_both` checks what a run leaves.
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
        (("--crema-d", "nowhere"), "no folder of clips 'nowhere'"),
        (("--install", "--limit", "2"), "can't be installed"),
        (("--rescore",), "give --crema-d"),
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
    batches = TrainingBatches(windows, [0, 0, 0, 0, 1, 1], 2, settings)
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


def test_shipped_model_holds_its_golden_vectors():
    check_package(PRETRAINED)
    assert sorted(path.name for path in PRETRAINED.iterdir()) == [
        *("MODEL_CARD.md", "golden", "ser_float32.tflite", "ser_int8.tflite")
    ]


def test_shipped_model_is_as_good_as_its_card_says(emodb4, manifest):
    from keras_reparam.audio import load

    classifier = load_classifier()
    test = [row for row in manifest if row["split"] == "test"]
    predicted = [classifier.classify(load(emodb4 / row["path"]), 16000).label for row in test]
    truth = [row["label"] for row in test]
    ua = balanced_accuracy_score(truth, predicted)
    assert ua >= 0.65
    card = (PRETRAINED / "MODEL_CARD.md").read_text()
    head, row = (
        next(line for line in card.splitlines() if line.startswith(name))
        for name in ("| variant", "| TFLite int8")
    )
    column = head.split("|").index(" UA EmoDB ")
    # Another CPU's rounding may turn a clip over.
    assert float(row.split("|")[column].strip(" %")) / 100 == pytest.approx(ua, abs=0.03)


def test_shipped_model_names_both_corpora_and_their_licenses():
    card = (PRETRAINED / "MODEL_CARD.md").read_text()
    for text in ("EmoDB", "CC0 1.0", "CREMA-D", "Open Database License 1.0", "German and English"):
        assert text in card
    assert "`" not in card.split("## How it was made")[1]
    about = read_metadata((PRETRAINED / "ser_int8.tflite").read_bytes())
    for text in ("CREMA-D", "English"):
        assert text in about.description


@pytest.fixture(scope="module")
def both(emodb4, shared_data):
    """Two clips of each emotion, split and corpus."""
    from recipes.quickstart.corpus import load_clips

    return load_clips(Settings(data=emodb4, crema_d=shared_data / "crema_d", limit=2))


def test_crema_d_comes_along(both):
    from recipes.crema_d.actors import FOLD_OF

    assert [source.title for source in both.sources] == ["EmoDB", "CREMA-D"]
    assert both.labels == tuple(LABELS)
    folds = {"test": {"1"}, "validation": {"2"}, "train": {"3", "4", "5"}}
    for split, examples in both.fold.splits.items():
        assert Counter(e.corpus for e in examples) == {"EmoDB": 8, "CREMA-D": 8}
        actors = {e.speaker for e in examples if e.corpus == "CREMA-D"}
        assert {FOLD_OF[actor] for actor in actors} <= folds[split]
        assert {e.speaker for e in examples if e.corpus == "EmoDB"}.isdisjoint(actors)
        assert [LABELS[e.label] for e in examples] == [e.segments[0].label for e in examples]
    card = both.facts
    assert (card.title, card.language) == ("EmoDB and CREMA-D", "German and English")
    for text in ("EmoDB: The recordings are CC0 1.0.", "CREMA-D: The recordings are CREMA-D's"):
        assert text in card.license
    assert card.license.count("Apache") == 1


def test_emodb_s_clips_are_heard_four_times(both):
    assert {(e.corpus, e.times) for e in both.fold.train} == {("EmoDB", 4), ("CREMA-D", 1)}
    assert {e.times for name in ("validation", "test") for e in both.fold.splits[name]} == {1}


@pytest.fixture(scope="module")
def shipped(both, emodb4):
    """What the shipped model is worth on these clips, as a form of the run's model."""
    from rich.console import Console

    from recipes.common.corpus import read_example
    from recipes.common.deployment.measured import measured_forms
    from recipes.quickstart.shipped import shipped_scores

    def read(example):
        return read_example(example, emodb4)

    scores = shipped_scores(both.fold.tests["test"], read, Console(quiet=True))
    return measured_forms(scores, both.fold, "test", both.labels)["int8"]


def test_golden_clips_are_of_emodb(both, shipped, emodb4, tmp_path):
    from recipes.common.corpus import read_example
    from recipes.common.deployment.golden import golden_of
    from recipes.common.scoring.examples import Scored

    tests = both.fold.tests["test"]
    clips = {e.id: read_example(e, emodb4) for e in tests}
    lengths = np.array([len(clips[e.id]) for e in tests])
    found, why_none = golden_of(
        tests,
        lambda e: clips[e.id],
        Scored({"int8": shipped.probabilities}, lengths, np.ones(len(tests))),
        {"int8": PRETRAINED / "ser_int8.tflite"},
        folder=tmp_path / "golden",
        window=64000,
        sample_rate=16000,
        corpus="EmoDB",
    )
    assert why_none is None and {name[:2] for name in found} == {"03", "08"}


def test_figures_of_each_corpus(both, shipped):
    truth = np.array([e.label for e in both.fold.tests["test"]])
    titles = np.array([e.corpus for e in both.fold.tests["test"]])
    predicted = shipped.probabilities.argmax(axis=1)
    assert list(shipped.figures) == ["UA EmoDB", "UA CREMA-D", "WA", "WF1", "macro-F1"]
    for title in ("EmoDB", "CREMA-D"):
        which = titles == title
        expected = balanced_accuracy_score(truth[which], predicted[which])
        assert shipped.figures[f"UA {title}"] == pytest.approx(expected)


def test_a_worse_model_does_not_replace_the_shipped_one(
    both, shipped, emodb4, tmp_path, monkeypatch
):
    from rich.console import Console

    from recipes.common.corpus import read_example
    from recipes.quickstart import install

    run, target = tmp_path / "run", tmp_path / "shipped"
    for folder in (run, target):
        shutil.copytree(PRETRAINED, folder)
    (run / "MODEL_CARD.md").write_text("new")
    monkeypatch.setattr(install, "PRETRAINED", target)
    no_recall = dataclasses.replace(shipped.by_corpus["CREMA-D"], ua=0.0)
    worse = dataclasses.replace(shipped, by_corpus={**shipped.by_corpus, "CREMA-D": no_recall})
    given = (run, both.fold, lambda e: read_example(e, emodb4), both.labels)
    screen = Console(quiet=True)
    with pytest.raises(ValueError, match="no worse on any corpus. Received: UA 0.0% on CREMA-D"):
        install.install(*given, [shipped, worse], screen)
    assert (target / "MODEL_CARD.md").read_text() != "new"
    assert install.install(*given, [shipped], screen) == target
    assert (target / "MODEL_CARD.md").read_text() == "new"
    assert len(list((target / "golden").iterdir())) == 7


def test_scored_anew(both, shipped, emodb4, shared_data, tmp_path, monkeypatch):
    from rich.console import Console

    from recipes.quickstart import shipped as module

    target = tmp_path / "shipped"
    shutil.copytree(PRETRAINED, target)
    before = (target / "MODEL_CARD.md").read_text()
    monkeypatch.setattr(module, "PRETRAINED", target)
    settings = Settings(data=emodb4, crema_d=shared_data / "crema_d", limit=2)
    card = module.rescore(settings, Console(quiet=True))
    text = card.read_text()
    head, _, *rows = [line for line in text.splitlines() if line.startswith("|")]
    rows = [dict(zip(head.split(" | "), row.split(" | "), strict=True)) for row in rows]
    assert [row["| variant"] for row in rows] == ["| TFLite float32", "| TFLite int8"]
    truth = [e.label for e in both.fold.tests["test"]]
    assert rows[1]["WA"] == f"{accuracy_score(truth, shipped.probabilities.argmax(axis=1)):.1%}"
    first, last = "## Results", "## License"
    assert text.split(first)[0] == before.split(first)[0]
    assert text.split(last)[1] == before.split(last)[1]


def test_crema_d_that_is_not_as_published(tmp_path, emodb4):
    from recipes.quickstart.corpus import load_clips

    (tmp_path / "audio").mkdir()
    (tmp_path / "audio" / "1001_DFA_XXX_XX.flac").touch()
    settings = Settings(data=emodb4, crema_d=tmp_path)
    with pytest.raises(ValueError, match="must be as it is published. Received: 1 problems"):
        load_clips(settings)


@pytest.mark.slow
def test_small_run_on_both(run_python, tmp_path, shared_data):
    child = run_python(
        *("-m", "recipes.quickstart", "--limit", "2", "--epochs", "1", "--out", tmp_path / "run"),
        *("--crema-d", shared_data / "crema_d"),
        cwd=ROOT,
        env={"COLUMNS": "80"},
    )
    assert child.returncode == 0, child.stderr
    tables = [line for line in child.stdout.splitlines() if line.startswith(("┃", "│"))]
    assert max(map(len, tables)) <= 80
    assert "…" not in "".join(tables)
    # Golden clips are of EmoDB alone.
    check_package(tmp_path / "run")
    metrics = json.loads((tmp_path / "run" / "metrics.json").read_text())
    found = metrics["variants"]["TFLite int8"]["by_corpus"]
    assert {title: figures["clips"] for title, figures in found.items()} == {
        "EmoDB": 8,
        "CREMA-D": 8,
    }
    card = (tmp_path / "run" / "MODEL_CARD.md").read_text()
    assert "quickstart --crema-d DIR --epochs 1 --install" in card


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
        # A suite that runs in the background ignores Ctrl-C, and so would its children.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
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
