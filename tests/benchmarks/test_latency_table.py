"""The command of latency tables, on a model small enough to be measured at once."""

import keras
import numpy as np
import pytest

import keras_reparam as kr
from keras_reparam.benchmarks import latency_table
from keras_reparam.benchmarks.latency_table import main

PART = "feed_forward 4 -> n -> 3 at 1"
# As the benchmark tool of TensorFlow 2.16 prints it: warm-up first, then what counts.
PRINTED = """INFO: STARTING!
INFO: Running benchmark for at least 1 iterations and at least 0.5 seconds but terminate if \
exceeding 150 seconds.
INFO: count=3000 first=99 curr=88 min=80 max=300 avg=90.5 std=3

INFO: Running benchmark for at least 200 iterations and at least 1 seconds but terminate if \
exceeding 150 seconds.
INFO: count=200 first={us} curr={us} min=10 max=99 avg={us} std=2

INFO: Inference timings in us: Init: 900, First inference: 99, Warmup (avg): 90, Inference (avg): 1
"""


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """Sixteen units: the steps are 8 and 16."""
    path = tmp_path_factory.mktemp("model") / "mlp.keras"
    layers = [keras.layers.Dense(16, activation="relu", name="fc1"), keras.layers.Dense(3)]
    keras.Sequential([keras.Input((4,)), *layers], name="mlp").save(path)
    return path


@pytest.mark.slow
def test_measures_here_and_on_a_phone(model, tmp_path, capsys):
    assert main(["files", str(model), str(tmp_path)]) == 0
    names = {"whole": 50.0, "part0_8": 20.0, "part0_16": 30.0}
    assert {path.stem for path in tmp_path.glob("*.tflite")} == set(names)
    read = ["read", str(tmp_path), "-o", str(tmp_path / "phone.json")]
    assert main(read) == 2 and "lacks 3 of 3 outputs" in capsys.readouterr().err
    for name, us in names.items():
        (tmp_path / f"{name}.txt").write_text(PRINTED.format(us=us))
    assert main(read) == 0
    phone = kr.LatencyTable.load(tmp_path / "phone.json")
    assert phone.milliseconds == 0.05 and phone.parts == ((PART, 16),)
    assert phone.steps == {PART: ((8, 0.02), (16, 0.03))}
    (tmp_path / "whole.txt").write_text("cannot execute: required file not found")
    assert main(read) == 2 and "no output of TensorFlow's benchmark" in capsys.readouterr().err
    found = tmp_path / "here.json"
    assert main(["measure", str(model), "--rounds", "3", "-o", str(found)]) == 0
    here = kr.LatencyTable.load(found)
    assert here.parts == phone.parts and [w for w, _ in here.steps[PART]] == [8, 16]
    assert here.measured["cpu"] and here.measured["rounds"] == 3
    capsys.readouterr()
    assert main(["check", str(found), str(model), "--rounds", "3"]) in (0, 1)
    shown = capsys.readouterr().out
    assert f"{here.milliseconds:.4f}" in shown and "measured ms" in shown


def test_a_prediction_is_within_ten_percent_or_the_command_fails(model, tmp_path, monkeypatch):
    """On latencies that are given: a timed test would fail now and then."""
    table = kr.LatencyTable(
        milliseconds=1.0, parts=[(PART, 16)], steps={PART: [(16, 0.1)]}, measured={}
    )
    table.save(tmp_path / "table.json")
    monkeypatch.setattr(latency_table, "_export", lambda model, path: None)
    for measured, expected in ((1.09, 0), (0.91, 0), (1.12, 1), (0.88, 1)):
        monkeypatch.setattr(latency_table, "_in_turns", lambda *_, ms=measured: [ms])
        assert main(["check", str(tmp_path / "table.json"), str(model)]) == expected


def test_bad_input_is_one_line(model, tmp_path, capsys):
    other = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3, name="alone")])
    other.save(tmp_path / "other.keras")
    for arguments, match in (
        (["measure", "no.keras", "-o", "t.json"], "There is no model 'no.keras'"),
        (["measure", str(model), "-o", "t.txt"], "must end with '.json'"),
        (["measure", str(tmp_path / "other.keras"), "-o", "t.json"], "no groups that can be"),
        (["read", str(tmp_path), "-o", str(tmp_path / "t.json")], "holds no parts.json"),
        (["check", str(model), str(model)], "is no latency table"),
    ):
        assert main(arguments) == 2
        assert match in capsys.readouterr().err
    assert not np.any([path.name.startswith("t.") for path in tmp_path.iterdir()])
