"""The process that may crash: a new one takes its place."""

import os
import signal
import threading
import time
from pathlib import Path

import pytest

import keras_reparam as kr
from keras_reparam.deploy.inspection.trial import Trial, TrialResult

SHIPPED = Path(kr.__file__).parent / "pretrained" / "ser_int8.tflite"


@pytest.fixture
def trial():
    with Trial(seconds=5) as made:
        yield made


def test_one_process_serves_file_after_file(trial, tmp_path):
    assert trial.run(SHIPPED) == TrialResult(True)
    first = trial._process.pid
    (tmp_path / "text.tflite").write_text("no model")
    result = trial.run(tmp_path / "text.tflite")
    assert not result.runs and "Flatbuffer" in result.reason
    assert not trial.run(tmp_path / "gone\n.tflite").runs
    assert trial.run(str(SHIPPED)).runs and trial._process.pid == first


def test_after_a_crash(trial):
    assert trial.run(SHIPPED).runs
    first = trial._process
    os.kill(first.pid, signal.SIGSEGV)
    first.wait()
    assert trial.run(SHIPPED).runs and trial._process.pid != first.pid


def test_a_crash_while_a_file_runs(trial):
    assert trial.run(SHIPPED).runs
    first = trial._process
    os.kill(first.pid, signal.SIGSTOP)
    threading.Timer(0.3, os.kill, (first.pid, signal.SIGKILL)).start()
    result = trial.run(SHIPPED)
    assert not result.runs and "crashes LiteRT (exit code -9)" in result.reason
    assert trial.run(SHIPPED).runs


def test_time_limit():
    with Trial(seconds=0.5) as trial:
        assert trial.run(SHIPPED).runs
        first = trial._process
        os.kill(first.pid, signal.SIGSTOP)
        start = time.monotonic()
        result = trial.run(SHIPPED)
        assert not result.runs and "not done with it after 0.5 s" in result.reason
        assert time.monotonic() - start < 5 and first.returncode is not None
        assert trial.run(SHIPPED).runs


def test_nothing_is_left_behind(trial):
    assert trial.run(SHIPPED).runs
    process = trial._process
    trial.close()
    assert process.returncode == 0
    trial.close()


@pytest.mark.parametrize("seconds", [0, -1, True, "1"])
def test_bad_limits(seconds):
    with pytest.raises(ValueError, match="positive number"):
        Trial(seconds=seconds)
