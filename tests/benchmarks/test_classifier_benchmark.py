"""The benchmark of the classifier, on the shipped file; times are not asserted."""

import json

import pytest

from keras_reparam.benchmarks.classifier import benchmark_classifier, main


def test_command(capsys):
    assert main(["--rounds", "3", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)["rows"]
    assert [row["call"].split()[0].strip(",") for row in rows] == [
        *("interpreter", "classify", "classify", "stream")
    ]
    assert rows[0]["overhead"] == 0
    for row in rows:
        assert row["milliseconds"] > 0
        assert abs(row["overhead"] - row["milliseconds"] + rows[0]["milliseconds"]) < 1e-9
    assert main(["--rounds", "3"]) == 0
    assert "stream, chunks of 10 ms" in capsys.readouterr().out


def test_bad_use(tmp_path, capsys):
    assert main([str(tmp_path / "none.tflite")]) == 2
    said = capsys.readouterr().err
    assert "none.tflite" in said and said.count("\n") == 1
    with pytest.raises(ValueError, match="rounds=0"):
        benchmark_classifier(tmp_path / "none.tflite", rounds=0)
