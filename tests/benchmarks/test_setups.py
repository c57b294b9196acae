import dataclasses
import json
import sys

import pytest

from keras_reparam.benchmarks import setups


@pytest.fixture
def two(monkeypatch):
    """Two short setups in place of all."""
    kept = [each for each in setups.SETUPS if each.name in ("HRF", "without oneDNN")]
    short = tuple(dataclasses.replace(each, frames=16, batch_size=2) for each in kept)
    monkeypatch.setattr(setups, "SETUPS", short)


@pytest.mark.slow
def test_setups_take_turns(two, capsys):
    assert setups.main(["--rounds", "2", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert {"cpu", "keras", "tensorflow"} <= set(found["environment"])
    first, second = found["rows"]
    assert (first["setup"], second["setup"]) == ("HRF", "without oneDNN")
    assert first["ratio"] == first["ratio_low"] == first["ratio_high"] == 1
    assert second["milliseconds"] > 0
    assert second["ratio_low"] <= second["ratio"] <= second["ratio_high"]


@pytest.mark.slow
def test_a_python_without_torch(two, capsys):
    assert setups.main(["--pytorch", sys.executable]) == 1
    assert "'PyTorch, eager' ended: ModuleNotFoundError: No module named 'torch'" in (
        capsys.readouterr().err
    )


def test_pytorch_has_one_of_the_networks(capsys):
    assert setups.main(["--model", "conformer", "--pytorch", "python"]) == 2
    assert "conv_transformer alone. Received: --model conformer" in capsys.readouterr().err
