"""The benchmark of the backbones, on ones small enough to be measured at once."""

import json

import pytest
from rich.console import Console

from keras_reparam.benchmarks.backbones import BackboneBenchmark, Latency, main
from keras_reparam.models.sizes import SIZES

TINY = {"channels": 2, "units": 8, "num_layers": 1, "num_heads": 2, "feed_forward_units": 8}


@pytest.fixture
def tiny(monkeypatch):
    monkeypatch.setitem(SIZES["conv_transformer"], "light", TINY)


@pytest.mark.nightly
def test_measures_every_form_in_the_same_rounds(tiny, capsys):
    options = ["--backbone", "conv_transformer", "--size", "light", "--rounds", "3", "--json"]
    # Not in a process of its own, which would not know the tiny sizes.
    assert main([*options, "--here"]) == 0
    report = json.loads(capsys.readouterr().out)
    names = ("cpu", "load", "keras", "tensorflow", "ai-edge-litert", "librosa")
    assert set(names) <= set(report["environment"])
    assert report["rounds"] == 3
    rows = {row["form"]: row for row in report["rows"]}
    assert list(rows) == ["librosa", "log_mel", "keras", "tflite", "waveform", "waveform_int8"]
    for form, row in rows.items():
        assert 0 < row["low"] <= row["median"] <= row["high"]
        assert row["backbone"] == (None if form in ("librosa", "log_mel") else "conv_transformer")
        if form == "log_mel":
            assert row["ratio"] > 0
        else:
            assert row["ratio"] == 1


def test_tables():
    def row(backbone, size, form, median, ratio):
        return Latency(
            backbone=backbone,
            size=size,
            form=form,
            median=median,
            low=median - 0.1,
            high=median + 0.25,
            ratio=ratio,
        )

    result = BackboneBenchmark(
        rows=(
            row(None, None, "librosa", 4.7, 1.0),
            row(None, None, "log_mel", 1.9, 0.404),
            row("conv_transformer", "light", "tflite", 0.8, 1.0),
            row("conformer", "large", "keras", 31.2, 7.7),
            row("conformer", "large", "tflite", 12.345, 15.432),
        ),
        environment={"cpu": "some CPU"},
        rounds=7,
    )
    console = Console(record=True, width=150)
    console.print(result)
    shown = console.export_text()
    for text in ("median of 7", "some CPU", "12.35 (12.25 to 12.60)", "15.43", "0.40"):
        assert text in shown


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--backbone", "transformer"], "conv_transformer"),
        (["--size", "huge"], "huge"),
        (["--rounds", "0"], "rounds=0"),
    ],
)
def test_bad_use_is_one_line(capsys, arguments, message):
    assert main(arguments) == 2
    said = capsys.readouterr().err
    assert message in said and said.count("\n") == 1
