"""Heads on generated features, by the commands and for all kinds of tasks."""

import csv
import json

import numpy as np
import pytest
from rich.console import Console
from scipy.special import softmax
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.multioutput import MultiOutputClassifier

from recipes.common.frozen.clip_name import clip_name
from recipes.common.frozen.example_moments import ExampleMoments
from recipes.common.frozen.feature_folder import FeatureFolder
from recipes.common.frozen.frozen_head import read_head
from recipes.common.manifest import Segment, read_manifest
from recipes.common.protocol.fold import Example, Fold
from recipes.common.settings import RecipeSettings
from recipes.common.tasks.classes import Classes
from recipes.common.tasks.multilabel import Multilabel
from recipes.common.tasks.regression import Regression
from recipes.common.training.frozen import train_frozen
from recipes.custom.__main__ import main

LABELS = ("anger", "neutral", "sadness")


def rows(path):
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


@pytest.fixture
def features(prepared, tmp_path):
    """Generated ones of two layers; the second one tells the classes."""
    rng = np.random.default_rng(3)
    for segment in read_manifest(prepared / "manifest.csv"):
        frames = rng.normal(size=(2, rng.integers(3, 9), 5))
        frames[1, :, LABELS.index(segment.label)] += 4
        path = tmp_path / "features" / f"{clip_name(segment)}.npy"
        path.parent.mkdir(parents=True, exist_ok=True)
        np.save(path, frames.astype("float16"))
    return tmp_path / "features"


@pytest.mark.slow
def test_commands(prepared, features, failed, capsys):
    """Trained, scored on its own and another corpus; what is written is what a head of the files'
    frames says; nothing is exported, and `all` ends without."""
    name = features.parent.name
    own = ["--out", str(prepared), "--run", name, "--fold", "1"]
    data = ["--data", str(prepared.parent)]
    settings = ["backbone=frozen", f"features={features}", "epochs=10", "learning_rate=0.1"]
    assert main(["all", *own, *data, *settings]) == 0
    assert main(["evaluate", *own, "--on", str(prepared / "manifest.csv"), *data]) == 0
    capsys.readouterr()
    assert "nothing of it is exported. Received:" in failed(main, "export", *own)

    folder = prepared / name / "fold-1"
    trained = json.loads((folder / "training.json").read_text())
    assert trained["validation"]["ua"] > 0.6
    assert trained["layer_shares"][1] > 0.5
    assert {"curves.png", "history.csv", "head.npz"} <= {path.name for path in folder.iterdir()}
    assert not (folder / "checkpoint.npz").exists()
    found = {row["id"]: row for row in rows(folder / "predictions.csv")}
    with np.load(folder / "head.npz") as head:
        for segment in read_manifest(prepared / "manifest.csv"):
            if segment.id in found:
                frames = np.load(features / f"{clip_name(segment)}.npy").astype("float64")
                frames = np.tensordot(head["shares"], frames, 1)
                pooled = [frames.mean(axis=0), np.sqrt(frames.var(axis=0) + 1e-5)]
                expected = softmax(np.concatenate(pooled) @ head["weights"] + head["bias"])
                scores = [float(found[segment.id][f"probability_{label}"]) for label in LABELS]
                np.testing.assert_allclose(scores, expected, atol=1e-4)
    (on,) = folder.glob("on-*")
    assert len(rows(on / "predictions.csv")) == 24


@pytest.mark.slow
def test_log_mel_is_the_floor(prepared):
    """The same by the store and, of another corpus, by its files."""
    own = ["--out", str(prepared), "--run", "floor", "--fold", "1"]
    data = ["--data", str(prepared.parent)]
    assert main(["train", *own, "backbone=frozen", "features=log_mel", "epochs=2"]) == 0
    assert main(["evaluate", *own]) == 0
    assert main(["evaluate", *own, "--on", str(prepared / "manifest.csv"), *data]) == 0
    folder = prepared / "floor" / "fold-1"
    (on,) = folder.glob("on-*")
    other = {row["id"]: row for row in rows(on / "predictions.csv")}
    for row in rows(folder / "predictions.csv"):
        for label in LABELS:
            score = float(other[row["id"]][f"probability_{label}"])
            assert float(row[f"probability_{label}"]) == pytest.approx(score, abs=1e-3)


def spoil(folder, segments):
    """A clip for each thing that may be wrong, and what is said of it."""
    files = [folder / f"{clip_name(segment)}.npy" for segment in segments]
    good = np.load(files[0]).astype("float32")
    files[0].unlink()
    files[1].write_bytes(files[1].read_bytes()[:-1])
    for file, spoilt in zip(
        files[2:],
        (good[0, 0], good[..., :4], good[:1], good.astype(int), good[:, :0]),
        strict=False,
    ):
        np.save(file, spoilt)
    return [
        "no file for 1 clip",
        "no whole .npy for 1 clip",
        "no frames, or no values for 1 clip",
        "1 dimensions in place of 2 or 3",
        "2 layers of 4 values in place of 2 of 5",
        "1 layers of 5 values",
        "int64 in place of floats",
    ]


def test_all_that_is_wrong_is_one_error(prepared, features, failed):
    """Of who tests, too; before anything is written."""
    segments = read_manifest(prepared / "manifest.csv")
    command = ["train", "--out", prepared, "--run", "wrong", "backbone=frozen"]
    messages = spoil(features, segments)
    line = failed(main, *command, f"features={features}")
    assert [message for message in messages if message not in line] == [], line
    assert str(clip_name(segments[0])) in line
    for segment in segments:
        bad = np.ones((2, 3, 5))
        bad[1, 2, 4] = np.nan
        np.save(features / f"{clip_name(segment)}.npy", bad)
    line = failed(main, *command, f"features={features}")
    assert "for 24 clips" in line and "and 21 more" in line and "NaN" in line
    assert "which is not there" in failed(main, *command, "features=nowhere")
    assert not (prepared / "wrong").exists()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (["backbone=frozen"], "`backbone=frozen` needs `features`"),
        (["backbone=frozen", "features=x", "teacher=whisper_tiny_en"], "and not both"),
        (["backbone=frozen", "teacher=runs/some-run"], "must be name or folder of a KerasHub"),
        (["backbone=frozen", "features=x", "expansion=4"], "a linear head alone: there is no"),
        (["backbone=frozen", "features=x", "quantizer=int4"], "a linear head alone"),
        (["features=x"], "`features` are those of `backbone=frozen`"),
    ],
)
def test_bad_settings(prepared, failed, settings, message):
    assert message in failed(main, "train", "--out", prepared, *settings)


# The task, what is true, and who finds it out as well.
TASKS = {
    "classes": (
        Classes(("anger", "fear", "joy")),
        lambda x: int(x[:3].argmax()),
        LogisticRegression(),
    ),
    "multilabel": (
        Multilabel(("fear", "joy"), "labels"),
        lambda x: tuple((x[:2] > 0).astype(int)),
        MultiOutputClassifier(LogisticRegression()),
    ),
    "regression": (
        Regression(("age",), "age", range=(10, 90), unit="years"),
        lambda x: float(50 + 8 * x[0] - 5 * x[1]),
        LinearRegression(),
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("kind", TASKS)
def test_every_kind_of_task_against_scikit_learn(tmp_path, kind):
    """Of one frame of one layer the values alone count; of what scale they are does not matter."""
    task, truth, model = TASKS[kind]
    values = np.random.default_rng(5).normal(size=(240, 6))
    other = dict.fromkeys(("sex", "label", "split", "fold", "session", "text_id"), "")
    splits = {"train": [], "validation": [], "test": []}
    for number, row in enumerate(values):
        np.save(tmp_path / f"{number}.npy", (1000 + 30 * row)[None])
        split = list(splits)[(number > 159) + (number > 199)]
        about = {"id": str(number), "speaker": split}
        segment = Segment(path=f"{number}.wav", start=None, end=None, **about, **other)
        own = {"label": truth(row), "sex": "", "decision": str(number)}
        splits[split].append(Example(segments=(segment,), **about, **own))
    train, validation, test = map(tuple, splits.values())
    fold = Fold(name="1", train=train, validation=validation, tests={"test": test})
    settings = RecipeSettings(
        **{"backbone": "frozen", "features": "any", "select_on": task.selectable[0]},
        **{"learning_rate": 0.1, "epochs": 12},
    )
    moments = ExampleMoments(FeatureFolder(tmp_path), Console(quiet=True))
    train_frozen(moments, fold, task, settings, tmp_path / "fold", Console(quiet=True))

    scores = task.scores(read_head(tmp_path / "fold")(moments.of(test)))
    found = task.array([task.decision(row) for row in scores])
    model.fit(values[:160], task.array([example.label for example in train]))
    expected = model.predict(values[200:])
    if kind == "regression":
        np.testing.assert_allclose(found, expected, atol=2)
    else:
        assert np.mean(found == expected) > 0.85
