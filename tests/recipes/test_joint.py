"""EmoDB and CREMA-D together, and the model that comes of them."""

import csv
import dataclasses
import functools
import json
import shutil
from collections import Counter
from pathlib import Path

import pytest
from sklearn.metrics import balanced_accuracy_score

from keras_reparam.audio import load
from keras_reparam.deploy import check_golden, load_classifier, read_metadata
from keras_reparam.deploy.tflite.metadata import add_metadata
from recipes.common.manifest import read_manifest, read_segment
from recipes.crema_d.actors import FOLD_OF
from recipes.joint.about import FACTS
from recipes.joint.manifest import read
from recipes.joint.protocol import folds_of, labels_of
from recipes.joint.settings import JointSettings
from tests.recipes.copies import crema_d as crema_d_copies
from tests.recipes.copies import emodb as emodb_copies

PRETRAINED = Path(__file__).resolve().parents[2] / "keras_reparam" / "pretrained"
LABELS = ("anger", "happiness", "neutral", "sadness")


@pytest.fixture(scope="module")
def fold(shared_data):
    """All clips of both corpora, as they are divided."""
    (found,) = folds_of(read(shared_data).segments, JointSettings())
    return found


def test_the_segments_are_those_of_both_recipes(tmp_path):
    crema_d = crema_d_copies.tiny(tmp_path / "crema_d")
    with pytest.raises(FileNotFoundError, match="EmoDB"):
        read(tmp_path)
    emodb = emodb_copies.tiny(tmp_path / "emodb")
    prepared = read(tmp_path)
    assert {s.id for s in prepared.segments} == set(emodb) | (crema_d - crema_d_copies.FLAGGED)
    assert {Path(s.path).parts[0] for s in prepared.segments} == {"emodb", "crema_d"}
    assert all((tmp_path / s.path).is_file() for s in prepared.segments)
    assert len([count for count in prepared.counts if count.name == "clips"]) == 2


def test_who_trains_validates_and_tests(fold):
    assert labels_of(JointSettings(), []) == LABELS
    counts = {split: Counter(e.corpus for e in examples) for split, examples in fold.splits.items()}
    # As the model's card has had them since the first release.
    assert counts == {
        "train": {"EmoDB": 187, "CREMA-D": 2912},
        "validation": {"EmoDB": 71, "CREMA-D": 966},
        "test": {"EmoDB": 81, "CREMA-D": 1017},
    }
    folds = {"test": {"1"}, "validation": {"2"}, "train": {"3", "4", "5"}}
    for split, examples in fold.splits.items():
        actors = {e.speaker for e in examples if e.corpus == "CREMA-D"}
        assert {FOLD_OF[actor] for actor in actors} == folds[split]
        assert [LABELS[e.label] for e in examples] == [e.segments[0].label for e in examples]
        often = {(e.corpus, e.times) for e in examples}
        assert often == {("EmoDB", 8 if split == "train" else 1), ("CREMA-D", 1)}
    assert {e.speaker for e in fold.tests["test"] if e.corpus == "EmoDB"} == {"03", "08"}


def test_the_quickstart_has_the_same_speakers_of_emodb(fold, emodb4):
    split_of = {s.id: s.split for s in read_manifest(emodb4 / "emodb4.csv")}
    for split, examples in fold.splits.items():
        assert {split_of[e.id] for e in examples if e.corpus == "EmoDB"} == {split}


def test_words_for_the_card():
    assert (FACTS.title, FACTS.language) == ("EmoDB and CREMA-D", "German and English")
    for text in ("EmoDB: The recordings are CC0 1.0.", "CREMA-D: The recordings are CREMA-D's"):
        assert text in FACTS.license
    assert FACTS.license.count("Apache") == 1


def test_settings_follow_what_is_given():
    assert JointSettings().frames == 200
    assert JointSettings(front_end={}).frames == 400
    assert JointSettings(backbone="frozen", teacher="whisper_tiny_en").copies == 0
    assert JointSettings().backbone_options == {"norm_first": True, "pooling": "mean_std"}


def test_shipped_model_holds_its_golden_vectors():
    models = {kind: PRETRAINED / f"ser_{kind}.tflite" for kind in ("float32", "int8")}
    report = check_golden(PRETRAINED / "golden", models)
    assert report.passed
    clips = sorted((PRETRAINED / "golden").glob("*.wav"))
    assert (len(clips), len(report.rows)) == (6, 12)
    assert {clip.name[:2] for clip in clips} > {"03", "08"}  # and actors of CREMA-D
    assert sum(clip.stat().st_size for clip in clips) < 800_000
    assert sorted(path.name for path in PRETRAINED.iterdir()) == [
        *("MODEL_CARD.md", "golden", "ser_float32.tflite", "ser_int8.tflite")
    ]


def test_shipped_model_says_what_it_was_made_of():
    card = (PRETRAINED / "MODEL_CARD.md").read_text()
    for text in (
        *("EmoDB", "CC0 1.0", "CREMA-D", "Open Database License 1.0", "German and English"),
        *("whisper_tiny_en", "MIT License", "Limits", "python -m recipes joint"),
    ):
        assert text in card
    about = read_metadata((PRETRAINED / "ser_int8.tflite").read_bytes())
    for text in ("CREMA-D", "English"):
        assert text in about.description
    assert (PRETRAINED / "ser_int8.tflite").stat().st_size <= 300_000


def test_hugging_face_reads_the_shipped_card():
    from huggingface_hub import ModelCard as HubCard

    text = (PRETRAINED / "MODEL_CARD.md").read_text(encoding="utf-8")
    found = HubCard(text).data
    assert (found.license, found.language) == ("apache-2.0", ["de", "en"])
    assert found.model_name == FACTS.task + ": light ConvTransformer"
    header, row = (
        [
            cell.strip()
            for cell in next(x for x in text.splitlines() if x.startswith(name)).split("|")
        ]
        for name in ("| variant", "| int8")
    )
    told = {r.dataset_type: r.metric_value for r in found.eval_results if r.metric_type == "recall"}
    assert list(told) == found.datasets == ["EmoDB", "CREMA-D"]
    for corpus, value in told.items():
        assert f"{value:.1f}%" == row[header.index(f"UA {corpus}")]


def test_shipped_model_is_as_good_as_its_card_says(emodb4):
    classifier = load_classifier()
    with (emodb4 / "emodb4.csv").open(newline="", encoding="utf-8") as file:
        test = [row for row in csv.DictReader(file) if row["split"] == "test"]
    predicted = [classifier.classify(load(emodb4 / row["path"]), 16000).label for row in test]
    ua = balanced_accuracy_score([row["label"] for row in test], predicted)
    card = (PRETRAINED / "MODEL_CARD.md").read_text()
    head, row = (
        next(line for line in card.splitlines() if line.startswith(name))
        for name in ("| variant", "| int8")
    )
    column = head.split("|").index(" UA EmoDB ")
    # Another CPU's rounding may turn a clip over; and these clips are compressed.
    assert float(row.split("|")[column].strip(" %")) / 100 == pytest.approx(ua, abs=0.04)


def few_of(examples):
    """Two clips of each emotion and corpus."""
    found: dict[tuple, list] = {}
    for example in examples:
        found.setdefault((example.corpus, example.label), []).append(example)
    return [example for same in found.values() for example in same[:2]]


@pytest.mark.slow
def test_a_worse_model_does_not_replace_the_shipped_one(fold, shared_data, tmp_path, monkeypatch):
    from rich.console import Console

    from recipes.joint import install

    few = dataclasses.replace(fold, validation=tuple(few_of(fold.validation)))
    read = functools.partial(read_segment, folder=shared_data)
    folder, target = tmp_path / "fold-official", tmp_path / "shipped"
    for copy in (folder, target):
        shutil.copytree(PRETRAINED, copy)
    (folder / "MODEL_CARD.md").write_text("new")
    monkeypatch.setattr(install, "PRETRAINED", target)
    given = (few, LABELS, read, Console(quiet=True))
    with pytest.raises(FileNotFoundError, match="export the run first"):
        install.install(folder, *given)
    (folder / "export.json").write_text("{}")
    whole = (folder / "ser_int8.tflite").read_bytes()
    about = read_metadata(whole)
    # Each class has the name of another one.
    wrong = dataclasses.replace(about, labels=about.labels[1:] + about.labels[:1])
    (folder / "ser_int8.tflite").write_bytes(add_metadata(whole, wrong))
    with pytest.raises(ValueError, match="no worse on the validation clips of any corpus"):
        install.install(folder, *given)
    assert (target / "MODEL_CARD.md").read_text() != "new"
    (folder / "ser_int8.tflite").write_bytes(whole)
    assert install.install(folder, *given) == target
    assert (target / "MODEL_CARD.md").read_text().startswith("new\n## What it bears\n")
    assert len(list((target / "golden").iterdir())) == 7


@pytest.mark.slow
def test_the_whole_way(run_python, tmp_path, fold, shared_data):
    """All stages on a few clips, for one epoch: two corpora in one card."""
    for examples in fold.splits.values():
        for example in few_of(examples):
            path = example.segments[0].path
            (tmp_path / "data" / path).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / "data" / path).symlink_to(shared_data.resolve() / path)
    child = run_python(
        *("-m", "recipes", "joint", "all", "--data", tmp_path / "data", "--out", tmp_path / "out"),
        *("--run", "short", "--allow-count-mismatch", "epochs=1", "copies=1"),
    )
    assert child.returncode == 0, child.stderr
    folder = tmp_path / "out" / "short" / "fold-official"
    card = (folder / "MODEL_CARD.md").read_text()
    for text in (
        "UA EmoDB",
        "UA CREMA-D",
        "degraded copies",
        "joint all --data DIR epochs=1 copies=1",
    ):
        assert text in card
    golden = json.loads((folder / "export.json").read_text())["golden"]["clips"]
    assert {name.startswith("1") for name in golden} == {True, False}
