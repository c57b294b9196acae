"""The benchmark of attention within windows, on files small enough to be measured at once."""

import json

import pytest
from rich.console import Console

from keras_reparam.benchmarks import windows
from keras_reparam.benchmarks.windows import AttentionRow, RecordingRow, WindowsBenchmark, main
from keras_reparam.models.sizes import SIZES

TINY = {"channels": 2, "units": 8, "num_layers": 1, "num_heads": 2, "feed_forward_units": 8}


@pytest.mark.slow
def test_measures_both_in_the_same_rounds(monkeypatch, capsys):
    monkeypatch.setitem(SIZES["conv_transformer"], "light", TINY)
    # Far apart, so that noise can't matter.
    monkeypatch.setattr(windows, "ATTENTION", {600: (30, 1.5)})
    monkeypatch.setattr(windows, "RECORDINGS", ((1, 1, ()), (1, 5, (0,))))
    assert main(["--rounds", "3", "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    (row,) = report["attention"]
    assert (row["tokens"], row["windows"]) == (600, 30)
    assert row["everywhere"] > row["within"] > 0 and row["ratio"] > 1.5
    assert [each["windows"] for each in report["recordings"]] == [1, 5]
    assert all(each["milliseconds"] > 0 < each["megabytes"] for each in report["recordings"])


def test_tables_say_which_bar_is_missed():
    row = {"tokens": 1500, "windows": 30, "everywhere": 30.0, "bar": 10.0}
    result = WindowsBenchmark(
        attention=tuple(AttentionRow(**row, within=30 / r, ratio=r) for r in (10.0, 9.9)),
        recordings=(
            RecordingRow(seconds=60, windows=1, global_layers=0, milliseconds=9.87, megabytes=61.2),
        ),
        environment={"cpu": "some CPU"},
        rounds=7,
    )
    console = Console(record=True, width=100)
    console.print(result)
    text = " ".join(console.export_text().split())
    assert "10.0 │ >= 10: met" in text and "9.9 │ >= 10: MISSED" in text
    assert "60 s" in text and "4 of 4" in text and "some CPU" in text


def test_bad_use_is_one_line(capsys):
    assert main(["--rounds", "0"]) == 2
    said = capsys.readouterr().err
    assert "rounds=0" in said and said.count("\n") == 1
