import json

import pytest

from keras_reparam.benchmarks import augmentation
from keras_reparam.models.sizes import SIZES

TINY = ("--frames", "16", "--num-mels", "16", "--rounds", "2", "--warmup", "1")


@pytest.fixture
def tiny_size(monkeypatch):
    sizes = {"channels": 2, "units": 8, "num_layers": 1, "num_heads": 2, "feed_forward_units": 16}
    monkeypatch.setitem(SIZES["conv_transformer"], "tiny", sizes)


@pytest.fixture
def few_waveform_layers(monkeypatch):
    monkeypatch.setattr(augmentation, "WAVEFORM", (("LogMel",), ("RandomSpeed", "LogMel")))


def test_report_of_a_tiny_model(tiny_size, few_waveform_layers, capsys):
    options = (*TINY, "--size", "tiny", "--expansion", "2", "--batch-size", "2")
    assert augmentation.main([*options, "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert {"cpu", "cores", "keras"} <= set(report["environment"])
    rows = report["time"]
    names = ["plain", "SpecAugment", "MixUp", "MixUp + SpecAugment", "LogMel"]
    names.append("RandomSpeed + LogMel")
    assert [(row["variant"], row["expansion"]) for row in rows] == [
        (name, expansion) for expansion in (None, 2) for name in names
    ]
    for row in rows:
        assert row["milliseconds"] > 0
        assert row["ratio_low"] <= row["ratio"] <= row["ratio_high"]
        if row["variant"] == "plain":
            assert row["ratio"] == 1


def test_bad_options_get_one_line(capsys):
    assert augmentation.main([*TINY, "--expansion", "0"]) == 2
    said = capsys.readouterr().err
    assert "augmentation:" in said and "Traceback" not in said
