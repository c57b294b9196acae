import json

import pytest

from keras_reparam.benchmarks import augmentation, training_step
from keras_reparam.models.sizes import SIZES

TINY = ("--frames", "16", "--num-mels", "16", "--rounds", "2", "--warmup", "1")
ALL = [" + ".join(layers) for layers in augmentation.WAVEFORM]


@pytest.fixture
def tiny_size(monkeypatch):
    sizes = {"channels": 2, "units": 8, "num_layers": 1, "num_heads": 2, "feed_forward_units": 16}
    monkeypatch.setitem(SIZES["conv_transformer"], "tiny", sizes)


def report_of_tiny(capsys, *options):
    tiny = (*TINY, "--size", "tiny", "--expansion", "2", "--batch-size", "2", "--json")
    assert augmentation.main([*tiny, *options]) == 0
    report = json.loads(capsys.readouterr().out)
    assert {"cpu", "cores", "keras"} <= set(report["environment"])
    return report


def check(rows, names):
    variants = [("plain", None), ("plain", 2)]
    variants += [(name, expansion) for expansion in (None, 2) for name in names]
    assert [(row["variant"], row["expansion"]) for row in rows] == variants
    for row in rows:
        assert row["milliseconds"] > 0
        assert row["ratio_low"] <= row["ratio"] <= row["ratio_high"]
    assert all(row["ratio_low"] == row["ratio_high"] == 1 for row in rows[:2])


# What `test_training_step.py` measures in CI, for thirty models in place of three.
@pytest.mark.nightly
def test_everything(tiny_size, capsys):
    report = report_of_tiny(capsys)
    check(report["features"], ["SpecAugment", "MixUp", "MixUp + SpecAugment"])
    check(report["waveform"], ALL)


def test_tables(monkeypatch, capsys):
    row = training_step.Row(32, "SpecAugment", 4, 515572, 190.04, 1.05, 1.04, 1.06)
    monkeypatch.setattr(augmentation, "measure_all", lambda options: ([row], []))
    assert augmentation.main([]) == 0
    shown = capsys.readouterr().out
    for text in ("cpu", "conv_transformer light", "515,572", "190.0", "1.050", "1.040 to 1.060"):
        assert text in shown


def test_bad_options_get_one_line(capsys):
    assert augmentation.main([*TINY, "--expansion", "0"]) == 2
    said = capsys.readouterr().err
    assert "augmentation:" in said and said.count("\n") == 1
