"""The benchmark of files, on a file small enough to be measured at once."""

import json
import time

import pytest

from keras_reparam.benchmarks import files
from keras_reparam.benchmarks.files import benchmark_files, main


@pytest.fixture
def sleeping(monkeypatch, tmp_path):
    """Two files whose inferences take a known time."""

    class Sleeping:
        input_shape = (1, 10)

        def __init__(self, content, *, origin):
            self.seconds = float(content)

        def __call__(self, example):
            time.sleep(self.seconds)

    monkeypatch.setattr(files, "Runtime", Sleeping)
    (tmp_path / "fast.tflite").write_bytes(b"0.002")
    (tmp_path / "slow.tflite").write_bytes(b"0.010")
    return [tmp_path / "fast.tflite", tmp_path / "slow.tflite"]


def test_known_times(sleeping):
    result = benchmark_files(sleeping, rounds=10)
    fast, slow = result.rows
    assert 2 <= fast.median < 6 and 10 <= slow.median < 20
    assert fast.ratio == 1 and 2 < slow.ratio < 6
    assert slow.low <= slow.median <= slow.high
    assert (fast.size, slow.size) == (5, 5)
    assert result.environment["cpu"] in str(result).replace("\n", " ") or result.environment["cpu"]


def test_command(sleeping, capsys):
    assert main([*map(str, sleeping), "--rounds", "3", "--json"]) == 0
    content = json.loads(capsys.readouterr().out)
    assert [row["file"] for row in content["rows"]] == [str(path) for path in sleeping]
    assert main([*map(str, sleeping), "--rounds", "3"]) == 0
    assert "ratio" in capsys.readouterr().out


def test_bad_use(tmp_path, capsys):
    (tmp_path / "text.tflite").write_text("no model, but longer than eight bytes")
    for arguments, message in (
        ([tmp_path / "none.tflite"], "none.tflite"),
        ([tmp_path / "text.tflite"], "LiteRT can't run"),
        ([tmp_path / "text.tflite", "--rounds", "0"], "rounds=0"),
    ):
        assert main(list(map(str, arguments))) == 2
        said = capsys.readouterr().err
        assert message in said and said.count("\n") == 1
    for paths in ([], "model.tflite"):
        with pytest.raises(ValueError, match="list of files"):
            benchmark_files(paths)
