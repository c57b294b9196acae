"""A training that is stopped at any moment ends as an unbroken one."""

import contextlib
import csv
import io
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import h5py
import numpy as np
import pytest
from rich.console import Console

from recipes.custom.__main__ import main

ROOT = Path(__file__).resolve().parents[2]
TINY = {
    "channels": 4,
    "units": 16,
    "num_layers": 1,
    "num_heads": 2,
    "feed_forward_units": 32,
    "dropout": 0.2,
    "norm_first": True,
}
# Everything that draws numbers or keeps a state.
SETTINGS = {
    "backbone_options": TINY,
    "frames": 100,
    "batch_size": 4,
    "epochs": 4,
    "tempo": 0.1,
    "spec_augment": True,
    "mixup": 0.2,
    "ema": 0.9,
}
LABELS = ("anger", "neutral", "sadness")
KILLS = 20

# The command, which gets a signal when it does something in a run's folder for the nth time.
CHILD = """
import itertools, os, runpy, signal, sys, zipfile

event, nth, number, folder, module = sys.argv[1:6]
sys.argv = [module, *sys.argv[6:]]
left = itertools.count(int(nth) - 1, -1)

def happens(name, path=folder):
    if name == event and str(path).startswith(folder) and next(left) == 0:
        os.kill(os.getpid(), int(number))

def audit(name, arguments):
    if name in ("open", "os.rename", "os.remove", "os.mkdir") and isinstance(arguments[0], str):
        happens(name, arguments[0])

def before(name, function):
    def wrapped(*arguments, **options):
        happens(name)
        return function(*arguments, **options)
    return wrapped

sys.addaudithook(audit)
os.fsync = before("fsync", os.fsync)
zipfile.ZipFile.open = before("zip", zipfile.ZipFile.open)
runpy.run_module(module, run_name="__main__", alter_sys=True)
"""
# How often each happens at most before a kill: within an epoch or two, or in the end alone.
EVENTS = {"open": 16, "os.rename": 8, "os.remove": 3, "os.mkdir": 3, "fsync": 7, "zip": 300}


def as_arguments(settings):
    return [f"{name}={json.dumps(value)}" for name, value in settings.items()]


@pytest.fixture(scope="module")
def prepared(tmp_path_factory, emodb4):
    """A corpus of 24 clips of six speakers in three folds, whose store is built."""
    folder = tmp_path_factory.mktemp("corpus")
    with (emodb4 / "emodb4.csv").open(newline="", encoding="utf-8") as file:
        clips = list(csv.DictReader(file))
    speakers = sorted({clip["speaker"] for clip in clips})[:6]
    counts = {"anger": 2, "neutral": 1, "sadness": 1}
    rows = []
    for number, speaker in enumerate(speakers):
        for label, count in counts.items():
            found = [c for c in clips if (c["speaker"], c["label"]) == (speaker, label)]
            for clip in found[:count]:
                path = emodb4 / clip["path"]
                rows.append((path, label, speaker, clip["sex"], number // 2 + 1))
    with (folder / "clips.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([("path", "label", "speaker", "sex", "fold"), *rows])
    assert main(["prepare", "--data", str(folder), "--out", str(folder / "out")]) == 0
    return folder / "out"


def command(stage, out, run, *arguments):
    return [stage, "--out", str(out), "--run", run, *arguments]


def start(arguments, out, event="none", nth=1, number=signal.SIGKILL, **env):
    """The command in a process of its own."""
    return subprocess.Popen(
        [sys.executable, "-c", CHILD, event, str(nth), str(int(number)), str(out / "run"),
         "recipes.custom", *arguments],
        cwd=ROOT,
        env={**os.environ, "COLUMNS": "200", **env},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # A suite that runs in the background ignores Ctrl-C, and so would its children.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )  # fmt: skip


def ended(process, timeout=120):
    """Exit code, and both outputs."""
    try:
        out, err = process.communicate(timeout=timeout)
    finally:
        process.kill()
    return process.returncode, out, err


def finish(arguments, out, **env):
    code, output, err = ended(start(arguments, out, **env))
    assert (code, err) == (0, ""), err
    return output


def rows_of(path):
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def history_of(folder):
    """Without the times that epochs took."""
    rows = rows_of(folder / "history.csv")
    return [{k: v for k, v in row.items() if not k.endswith("seconds")} for row in rows]


def weights_of(path):
    """All arrays of a `.keras` file, by name."""
    found = {}
    with zipfile.ZipFile(path) as archive:
        content = io.BytesIO(archive.read("model.weights.h5"))
    with h5py.File(content) as file:
        file.visititems(
            lambda name, item: found.update({name: item[()]}) if hasattr(item, "dtype") else None
        )
    return found


def assert_same_models(folder, expected):
    assert {path.name for path in folder.iterdir()} == {path.name for path in expected.iterdir()}
    assert history_of(folder) == history_of(expected)
    for name in ("light.keras", "train.keras"):
        found, right = weights_of(folder / name), weights_of(expected / name)
        assert found.keys() == right.keys()
        assert len(found) > 10
        for key, value in right.items():
            np.testing.assert_array_equal(found[key], value, err_msg=f"{name} {key}")


def assert_same_runs(run, expected):
    for folder in expected.glob("fold-*"):
        assert_same_models(run / folder.name, folder)
    files = [path.relative_to(expected) for path in expected.rglob("*") if path.is_file()]
    assert sorted(files) == sorted(p.relative_to(run) for p in run.rglob("*") if p.is_file())
    for file in files:
        if file.name in ("predictions.csv", "metrics.json", "config.json", "run.json"):
            assert (run / file).read_bytes() == (expected / file).read_bytes(), file


def unbroken(out, name, arguments, **env):
    began = time.monotonic()
    finish(command("train", out, name, *arguments), out, **env)
    seconds = time.monotonic() - began
    finish(command("evaluate", out, name, *arguments[:2]), out, **env)
    return out / name, seconds


class Killer:
    """Runs stages that are stopped at random moments, until so many were.

    Attributes:
        kills: How many stages were stopped, by signal.
    """

    def __init__(self, out, seed, seconds, **env):
        self._out, self._seconds, self._env = out, seconds, env
        self._random = random.Random(seed)
        self.kills = {signal.SIGKILL: 0, signal.SIGINT: 0}

    def run(self, arguments, most):
        """Runs the command until it has ended by itself."""
        while sum(self.kills.values()) < most:
            if self._stopped(arguments) is None:
                return
        finish(arguments, self._out, **self._env)

    def _stopped(self, arguments):
        """The signal that stopped the command; `None`: it was faster."""
        number = self._random.choices([signal.SIGKILL, signal.SIGINT], [3, 1])[0]
        if self._random.random() < 0.5:
            event = self._random.choice(list(EVENTS))
            nth = self._random.randint(1, EVENTS[event])
            process = start(arguments, self._out, event, nth, number, **self._env)
        else:
            process = start(arguments, self._out, **self._env)
            time.sleep(self._random.uniform(0.1, self._seconds))
            process.send_signal(number)
        code, _, err = ended(process)
        if code == 0:
            return None
        if number == signal.SIGKILL:
            assert code == -signal.SIGKILL, err
        elif code != -signal.SIGINT:
            # Else it came before the command began.
            assert code == 130, err
            assert err.strip() == "custom: stopped; nothing half-written is left"
        self.kills[number] += 1
        return number


@pytest.mark.slow
def test_kills_at_random_moments(prepared):
    """Two folds, then their evaluation, stopped at least twenty times."""
    folds = ("--fold", "1", "--fold", "2")
    settings = as_arguments(SETTINGS)
    expected, seconds = unbroken(prepared, "run-unbroken", [*folds, *settings])
    killer = Killer(prepared, 6, seconds)
    runs = 0
    while sum(killer.kills.values()) < KILLS:
        runs += 1
        name = f"run-killed{runs}"
        killer.run(command("train", prepared, name, *folds, *settings), KILLS - 3)
        killer.run(command("evaluate", prepared, name, *folds), KILLS)
        # Readings are counted, also those that were stopped.
        assert_same_runs(prepared / name, expected)
    assert all(killer.kills.values())
