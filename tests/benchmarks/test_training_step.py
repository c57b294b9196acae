import json

import pytest
from rich.console import Console

from keras_reparam.benchmarks import training_step
from keras_reparam.models.sizes import SIZES

MODULE = "keras_reparam.benchmarks.training_step"
TINY = ("--frames", "32", "--num-mels", "16", "--rounds", "3", "--warmup", "1")


@pytest.fixture
def tiny_size(monkeypatch):
    sizes = {"channels": 2, "units": 8, "num_layers": 1, "num_heads": 2, "feed_forward_units": 16}
    monkeypatch.setitem(SIZES["conv_transformer"], "tiny", sizes)


@pytest.mark.slow
def test_report_of_a_tiny_model(tiny_size, capsys):
    options = (*TINY, "--size", "tiny", "--expansion", "2", "--batch-size", "2")
    assert training_step.main([*options, "--no-memory", "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert {"cpu", "cores", "keras"} <= set(report["environment"])
    rows = report["time"]
    variants = [("plain", None), ("folded", 2), ("chained", 2)]
    assert [(row["variant"], row["expansion"]) for row in rows] == variants
    assert [row["batch_size"] for row in rows] == 3 * [2]
    plain, folded, chained = rows
    assert plain["ratio"] == plain["ratio_low"] == plain["ratio_high"] == 1
    assert folded["parameters"] == chained["parameters"] > plain["parameters"]
    for row in rows:
        assert row["milliseconds"] > 0
        assert row["ratio_low"] <= row["ratio"] <= row["ratio_high"]
    assert report["memory"] == []


def test_tables():
    row = training_step.Row(32, "folded", 8, 910836, 175.71, 1.0571, 1.0314, 1.062)
    memory = training_step.Memory(32, 8, plain=1000.0, folded=1110.0, factors_and_slots=10.0)
    console = Console(record=True, width=120)
    console.print(training_step.time_table([row]))
    console.print(training_step.memory_table([memory]))
    shown = console.export_text()
    for text in ("910,836", "175.7", "1.057", "1.031 to 1.062", "1110.0", "10.0", "1.100"):
        assert text in shown


@pytest.mark.nightly
def test_folded_training_needs_the_plain_model_s_memory_and_its_factors(run_python):
    """The bar: at most 1.1 times the plain peak, plus factors and their optimizer slots."""
    options = ("--rounds", "3", "--warmup", "1", "--expansion", "8", "--json")
    child = run_python("-m", MODULE, *options, timeout=900)
    assert child.returncode == 0, child.stderr
    (memory,) = json.loads(child.stdout)["memory"]
    weights = [row["parameters"] for row in json.loads(child.stdout)["time"]]
    assert memory["factors_and_slots"] == pytest.approx((weights[1] - weights[0]) * 12 / 1e6)
    assert memory["folded"] <= 1.1 * memory["plain"] + memory["factors_and_slots"]
    assert memory["ratio"] <= 1.1


@pytest.mark.parametrize("bad", [("--expansion", "0"), ("--model", "no_such_model")])
def test_bad_options_get_one_line(capsys, bad):
    assert training_step.main([*TINY, *bad]) == 2
    said = capsys.readouterr().err
    assert "training_step:" in said and "Traceback" not in said
