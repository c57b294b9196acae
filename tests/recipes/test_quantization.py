"""The recipe that measures what quantization costs."""

import csv
import dataclasses
import itertools
import json
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console
from sklearn.metrics import balanced_accuracy_score

from recipes.common.manifest import read_manifest, read_segment
from recipes.quantization import run as stages
from recipes.quantization.__main__ import main
from recipes.quantization.corpus import folds_of, labels_of, manifest_of, segments_of, speaker_folds
from recipes.quantization.report import Row, bars, markdown_of, missed, tables_of, write_csv
from recipes.quantization.settings import Settings

ROOT = Path(__file__).resolve().parents[2]
GOOD = Row(
    backbone="conv_transformer",
    kind="int8",
    clips=535,
    ua=0.700,
    keras_ua=0.705,
    top1_agreement=0.98,
    max_absolute_error=0.05,
    mean_absolute_error=0.004,
    spread=0.3,
    size=300_000,
    deflated=200_000,
    bits=8.3,
    alone=100_000,
    alone_ratio=0.3,
    int8_share=0.95,
    milliseconds=2.0,
    ratio=0.8,
    alone_milliseconds=0.5,
    alone_ratio_time=0.6,
)


def test_every_speaker_is_held_out_once_and_sexes_are_even(emodb4):
    segments = read_manifest(emodb4 / "emodb4.csv")
    sex = {segment.speaker: segment.sex for segment in segments}
    for count in (2, 3, 5):
        folds = speaker_folds(segments, count)
        assert sorted(itertools.chain(*folds)) == sorted(sex)
        women = [sum(sex[speaker] == "female" for speaker in fold) for fold in folds]
        assert max(women) - min(women) <= 1
        assert max(map(len, folds)) - min(map(len, folds)) <= 1
    with pytest.raises(ValueError, match="10 speakers for folds=6"):
        speaker_folds(segments, 6)


def test_folds_share_no_speaker(emodb4):
    segments = segments_of(Settings(data=emodb4, limit=1))
    assert labels_of(segments) == ("anger", "happiness", "neutral", "sadness")
    folds = folds_of(segments, 2)
    held_out = [example.id for fold in folds for example in fold.tests["test"]]
    assert sorted(held_out) == sorted(segment.id for segment in segments)
    for fold in folds:
        training, tests = fold.train, fold.tests["test"]
        assert not {e.speaker for e in training} & {e.speaker for e in tests}
        assert len(training) + len(tests) == len(segments)
        assert not fold.validation


def test_emodb_as_it_is_shared(shared_data):
    segments = segments_of(Settings(data=shared_data, limit=1))
    assert len(labels_of(segments)) == 7
    folder = manifest_of(shared_data).parent
    for segment in segments:
        samples = read_segment(segment, folder, sample_rate=16000)
        assert samples.ndim == 1 and len(samples) > 8000


def test_a_backbone_gets_its_own_rate_and_seed(emodb4):
    settings = Settings(data=emodb4, epochs=3, seed=5)
    first, second = settings.of("conv_transformer", 0), settings.of("speechformer", 1)
    assert (first.learning_rate, first.seed) == (2e-3, 5)
    assert (first.backbone_options, second.backbone_options) == (
        {"norm_first": True, "pooling": "mean_std"},
        {"hop": 0.02},
    )
    assert (second.learning_rate, second.seed, second.epochs) == (3e-4, 6, 3)
    assert second.select_on == "last" and second.speeds == [0.9, 1.0, 1.1]


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"ua": 0.694}, "UA drop"),
        ({"top1_agreement": 0.969}, "top-1 agreement"),
        ({"int8_share": 0.89}, "weight bytes"),
        ({"alone_ratio": 0.41}, "backbone alone"),
        ({"size": 450_001}, "450 kB"),
        ({"ratio": 0.86}, "time <= 0.85x"),
        ({"kind": "float32", "max_absolute_error": 1.1e-4}, "maximum absolute error"),
        ({"kind": "float32", "max_absolute_error": 1e-5, "spread": 0.04}, "scores vary"),
    ],
)
def test_a_missed_bar_is_named(change, word):
    asked = bars("Some CPU avx2 avx512_vnni")
    assert missed([GOOD], asked) == []
    row = dataclasses.replace(GOOD, **change)
    ((found, bar),) = missed([row], asked)
    assert found is row and word in bar.text
    assert "\u2717" in markdown_of([row], asked, "CPU", "protocol")


def test_the_bar_of_time_depends_on_the_cpu():
    row = dataclasses.replace(GOOD, ratio=1.04)
    assert missed([row], bars("Some CPU avx2")) == []
    assert len(missed([row], bars("Some CPU avx2 avx_vnni"))) == 1


def test_tables(tmp_path):
    rows = [
        GOOD,
        dataclasses.replace(
            GOOD, kind="int8_full", size=None, milliseconds=None, ratio=None, top1_agreement=0.5
        ),
    ]
    asked = bars("Some CPU avx2")
    console = Console(record=True, width=80)
    for table in tables_of(rows, asked, "Some CPU"):
        console.print(table)
    text = console.export_text()
    for word in ("535 clips", "98.0% \u2713", "int8_full", "50.0% ", "+0.5 \u2713", "Some CPU"):
        assert word in text
    assert max(map(len, text.splitlines())) <= 80 and "\u2026" not in text
    # int8_full has no bars.
    assert text.count("\u2717") == 1  # in the explanation alone
    markdown = markdown_of(rows, asked, "Some CPU", "Speakers held out")
    assert markdown.count("\n|") == 3
    assert "Speakers held out" in markdown and markdown.count(": met") == len(asked)
    write_csv(tmp_path / "rows.csv", rows)
    with (tmp_path / "rows.csv").open(newline="") as file:
        found = list(csv.DictReader(file))
    assert [row["kind"] for row in found] == ["int8", "int8_full"]
    assert float(found[0]["drop"]) == pytest.approx(0.5)


def test_bad_use_is_one_line(failed, tmp_path):
    out = ("--out", tmp_path / "run")
    assert "--data" in failed(main, *out)
    assert "`folds` must be" in failed(main, *out, "--short", "--folds", "1")
    assert "`epochs` must be" in failed(main, *out, "--short", "--epochs", "0")
    assert "nowhere" in failed(main, *out, "--data", "nowhere")
    (tmp_path / "empty").mkdir()
    assert "emodb.csv" in failed(main, *out, "--data", tmp_path / "empty")
    assert "conformer" in failed(main, *out, "--short", "--backbones", "resnet")
    assert not (tmp_path / "run").exists()


def test_models_of_other_settings_are_left_alone(failed, tmp_path):
    (tmp_path / "config.json").write_text(json.dumps({"epochs": 3}))
    assert "another" in failed(main, "--short", "--out", tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["config.json"]


def interrupt(*_):
    raise KeyboardInterrupt


@pytest.mark.nightly
def test_short_form(run_python, tmp_path, monkeypatch):
    """The whole command; then again: nothing is trained twice."""
    command = ("-m", "recipes.quantization", "--short", "--out", tmp_path)
    child = run_python(*command, cwd=ROOT, env={"COLUMNS": "160"}, timeout=900)
    assert child.returncode in (0, 1) and child.stderr == "", child.stderr
    content = json.loads((tmp_path / "results.json").read_text())
    with (tmp_path / "predictions.csv").open(newline="") as file:
        predictions = list(csv.DictReader(file))
    labels = content["labels"]
    for row in content["rows"]:
        mine = [
            p for p in predictions if (p["backbone"], p["kind"]) == (row["backbone"], row["kind"])
        ]
        assert len({p["id"] for p in mine}) == len(mine) == row["clips"]
        both = [
            np.array([[float(p[f"{by}_{label}"]) for label in labels] for p in mine])
            for by in ("file", "keras")
        ]
        best = [scores.argmax(axis=1) for scores in both]
        truth = [labels.index(p["label"]) for p in mine]
        assert row["ua"] == pytest.approx(balanced_accuracy_score(truth, best[0]))
        assert row["keras_ua"] == pytest.approx(balanced_accuracy_score(truth, best[1]))
        assert row["top1_agreement"] == pytest.approx(np.mean(best[0] == best[1]))
        assert row["max_absolute_error"] == pytest.approx(np.abs(both[0] - both[1]).max(), abs=2e-6)
        assert row["keras_ua"] > 0.35 and row["spread"] > 0.05
    by_kind = {row["kind"]: row for row in content["rows"]}
    assert (
        by_kind["float32"]["max_absolute_error"] < 1e-4
        and by_kind["float32"]["top1_agreement"] > 0.99
    )
    assert by_kind["int8"]["top1_agreement"] >= 0.9
    assert by_kind["int8"]["alone_ratio"] < 0.6 and by_kind["int8"]["int8_share"] > 0.8
    small = by_kind["int4_dynamic"]
    assert small["bits"] < 6 < by_kind["int8_dynamic"]["bits"] < 12
    assert small["top1_agreement"] >= 0.7
    assert small["deflated"] < small["size"] < by_kind["int8_dynamic"]["size"]
    missed = [bar for bar in content["bars"] if bar["missed"]]
    assert child.returncode == bool(missed)
    models = sorted(tmp_path.glob("*/light.keras"))
    before = [path.stat().st_mtime_ns for path in models]
    assert len(models) == 2
    # Up to the measurements, which are made anew.
    monkeypatch.setattr(stages._Run, "_measure", interrupt)
    assert main([str(argument) for argument in command[2:]]) == 130
    assert [path.stat().st_mtime_ns for path in models] == before
    assert not list(tmp_path.rglob(".unfinished*"))
