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

from keras_reparam.audio import LogMel
from keras_reparam.deploy.conversion.saved_model import load_model
from recipes.common.corpus import Corpus
from recipes.common.files.lock import exclusive
from recipes.common.manifest import read_manifest
from recipes.common.run_folder import RunFolder
from recipes.common.training import train
from recipes.common.training.progress_bar import ProgressBar
from recipes.custom.__main__ import main
from recipes.custom.protocol import folds_of, task_of
from recipes.custom.settings import CustomSettings

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
    "diagnostics": True,
}
LABELS = ("anger", "neutral", "sadness")
# Each is a process that imports TensorFlow anew; the rest are exceptions in this one.
KILLS = 2
# How long a command that trains both folds takes, about.
SECONDS = 16
FOLDS = ("--fold", "1", "--fold", "2")

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
    if name in ("open", "os.rename", "os.remove", "os.mkdir"):
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
SEVERAL = """
import json, sys
from recipes.custom.__main__ import main

for arguments in json.loads(sys.argv[1]):
    assert main(arguments) == 0
"""
# How often each happens at most before a kill: within an epoch or two, or in the end alone.
EVENTS = {"open": 16, "os.rename": 8, "os.remove": 3, "os.mkdir": 3, "fsync": 7, "zip": 300}


def as_arguments(settings):
    return [f"{name}={json.dumps(value)}" for name, value in settings.items()]


def command(stage, run, *arguments):
    return [stage, "--out", str(run.parent), "--run", run.name, *arguments]


def start(arguments, run, event="none", nth=1, number=signal.SIGKILL, **env):
    """The command in a process of its own."""
    return subprocess.Popen(
        [sys.executable, "-c", CHILD, event, str(nth), str(int(number)), run,
         "recipes.custom", *arguments],
        cwd=ROOT,
        env={**os.environ, "COLUMNS": "200", **env},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )  # fmt: skip


def ended(process, timeout=600):
    """Exit code, and both outputs."""
    try:
        out, err = process.communicate(timeout=timeout)
    finally:
        process.kill()
    return process.returncode, out, err


def finish(stage, run, *arguments, **env):
    assert_finished(start(command(stage, run, *arguments), run, **env))


def assert_finished(process):
    code, _, err = ended(process)
    assert (code, err) == (0, ""), err


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
    for name in ("diagnostics.csv", "singular_values.csv"):
        assert (folder / name).read_bytes() == (expected / name).read_bytes()
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


def unbroken(run, *settings, folds=FOLDS, **env):
    finish("train", run, *folds, *settings, **env)
    finish("evaluate", run, *folds, **env)
    return run


@pytest.fixture(scope="module")
def reference(prepared):
    """A run of one fold that nothing interrupted, in this process."""
    run = prepared / "unbroken"
    assert main(command("train", run, *FOLDS[:2], *as_arguments(SETTINGS))) == 0
    assert main(command("evaluate", run, *FOLDS[:2])) == 0
    return run


class Killer:
    """Runs stages that are stopped at random moments, until so many were.

    Attributes:
        kills: How many stages were stopped, by signal.
    """

    def __init__(self, seed, **env):
        self._env = env
        self._random = random.Random(seed)
        self.kills = {signal.SIGKILL: 0, signal.SIGINT: 0}

    def run(self, most, stage, run, *arguments):
        """Runs the command until it has ended by itself, and stops it until `most` were."""
        while sum(self.kills.values()) < most:
            if self._stopped(command(stage, run, *arguments), run) is None:
                return
        finish(stage, run, *arguments, **self._env)

    def _stopped(self, arguments, run):
        """The signal that stopped the command; `None`: it was faster."""
        number = (signal.SIGKILL, signal.SIGINT)[sum(self.kills.values()) % 2]
        if self._random.random() < 0.5:
            event = self._random.choice(list(EVENTS))
            nth = self._random.randint(1, EVENTS[event])
            process = start(arguments, run, event, nth, number, **self._env)
        else:
            process = start(arguments, run, **self._env)
            time.sleep(self._random.uniform(0.1, SECONDS))
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


# CI has the kills of comparisons' workers, and every event as an exception.
@pytest.mark.nightly
def test_kills_at_random_moments(prepared):
    """Two folds, then their evaluation, stopped again and again."""
    reference = unbroken(prepared / "two", *as_arguments(SETTINGS))
    killer = Killer(seed=6)
    runs = 0
    while sum(killer.kills.values()) < KILLS:
        runs += 1
        run = prepared / f"killed{runs}"
        killer.run(KILLS - 1, "train", run, *FOLDS, *as_arguments(SETTINGS))
        killer.run(KILLS, "evaluate", run, *FOLDS)
        assert_same_runs(run, reference)
    assert all(killer.kills.values())


@pytest.mark.nightly
def test_kills_on_jax(prepared):
    env = {"KERAS_BACKEND": "jax"}
    # Compiling takes most of the time there.
    folds, settings = FOLDS[:2], as_arguments(SETTINGS | {"epochs": 3, "expansion": 0})
    reference = unbroken(prepared / "jax", *settings, folds=folds, **env)
    killer, run = Killer(seed=7, **env), prepared / "jax-killed"
    killer.run(3, "train", run, *folds, *settings)
    killer.run(4, "evaluate", run, *folds)
    assert sum(killer.kills.values()) >= 3
    assert_same_runs(run, reference)


@pytest.mark.slow
def test_same_seed_gives_the_same_metrics(prepared, run_python):
    """Also where operations are shared among threads."""
    settings = as_arguments(
        {
            **{"frames": 200, "epochs": 1, "batch_size": 12, "mixup": 0.2, "ema": 0.9},
            # As wide as by default: a narrow layer is no work for two threads.
            **{"backbone_options": {"num_layers": 1}, "diagnostics": True},
        }
    )
    env = {"TF_NUM_INTRAOP_THREADS": "2", "TF_NUM_INTEROP_THREADS": "2", "OMP_NUM_THREADS": "2"}
    first, second, other = (prepared / name for name in ("first", "second", "other"))
    # In two processes, and whatever one of them has done before.
    for runs in ([(first, 5)], [(other, 6), (second, 5)]):
        commands = [command("train", r, *FOLDS[:2], *settings, f"seed={s}") for r, s in runs]
        child = run_python("-c", SEVERAL, json.dumps(commands), cwd=ROOT, env=env)
        assert child.returncode == 0, child.stderr
    assert_same_models(second / "fold-1", first / "fold-1")
    assert history_of(other / "fold-1") != history_of(first / "fold-1")


def wait_for(process, condition):
    deadline = time.monotonic() + 600
    while not condition():
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.mark.slow
def test_second_process_stops_and_does_not_disturb_the_first(prepared, failed, capsys):
    # Not this process's own run: TensorFlow began here as other tests have it, and on some
    # processors it then computes otherwise than where a recipe starts it.
    run, alone = prepared / "twice", prepared / "alone"
    fold = FOLDS[:2]
    finish("train", alone, *fold, *as_arguments(SETTINGS))
    assert main(command("evaluate", alone, *fold)) == 0
    arguments = command("train", run, *fold, *as_arguments(SETTINGS))
    first = start(arguments, run)
    try:
        wait_for(first, (run / "fold-1" / "history.csv").exists)
        first.send_signal(signal.SIGSTOP)
        before = {path: path.read_bytes() for path in run.rglob("*") if path.is_file()}
        for stage in ("train", "evaluate"):
            capsys.readouterr()
            error = failed(main, *command(stage, run, *fold))
            assert error.startswith(f"custom: Another process is writing '{run}'.")
        assert {path: path.read_bytes() for path in run.rglob("*") if path.is_file()} == before
        first.send_signal(signal.SIGCONT)
        assert_finished(first)
    finally:
        first.kill()
    assert main(command("evaluate", run, *fold)) == 0
    assert_same_runs(run, alone)


@pytest.mark.slow
def test_full_disk(prepared, small_disk, reference, interrupting, capsys):
    """During an epoch, while the models are written, and in the evaluation."""
    run = prepared / "full"
    run.symlink_to(small_disk)
    train = ("train", run, *FOLDS[:2], *as_arguments(SETTINGS))
    evaluate = ("evaluate", run, *FOLDS[:2])
    for stage, *moment in ((train, "fsync", 9), (train, "os.mkdir", 4), (evaluate, "fsync", 1)):
        with interrupting(*moment, run):
            assert main(command(*stage)) == 130
        before = checkpoints(run)
        fill(small_disk / "filler")
        capsys.readouterr()
        assert main(command(*stage)) == 2
        err = capsys.readouterr().err
        assert err.count("\n") == 1, err
        assert "No space left" in err
        if stage is train:
            assert "make room, and run the same command again" in err
            assert before
        assert checkpoints(run) == before
        (small_disk / "filler").unlink()
        if moment[0] != "fsync" or stage is evaluate:
            assert main(command(*stage)) == 0
    assert_same_models(run / "fold-1", reference / "fold-1")


def checkpoints(run):
    return {path.name: path.read_bytes() for path in run.glob("fold-*/*.npz")}


def fill(path):
    with path.open("wb", buffering=0) as file:
        for size in (4096, 1):
            try:
                while True:
                    file.write(bytes(size))
            except OSError:
                pass


@pytest.mark.nightly
def test_memory_is_flat_over_epochs(prepared):
    run = prepared / "long"
    epochs = 16
    settings = {"epochs": epochs, "batch_size": 2, "mixup": 0.2, "ema": 0.9, "frames": 200}
    process = start(command("train", run, *FOLDS[:2], *as_arguments(settings)), run)
    history, memory = run / "fold-1" / "history.csv", {}

    def look():
        epoch = len(rows_of(history)) if history.exists() else 0
        if process.poll() is None:
            memory[epoch] = resident(process.pid)
        return epoch == epochs

    wait_for(process, look)
    assert_finished(process)
    assert abs(memory[epochs - 1] / memory[5] - 1) < 0.05


def resident(pid):
    """Kilobytes of memory."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.split("VmRSS:")[1].split()[0])


@pytest.fixture(scope="module")
def training(prepared):
    """Trains the first fold here: `training(folder, settings, stop=...)`.

    Ctrl-C comes after the epoch `stop`, or before the models are written (`"models"`).
    """
    segments = read_manifest(prepared / "manifest.csv")
    corpus = Corpus(prepared / "store", LogMel())

    def run(folder, change, stop=None):
        settings = CustomSettings(**SETTINGS | {"epochs": 3} | change)

        def stopping(*arguments, **_):
            if stop == "models" or arguments[1] + 1 == stop:
                raise KeyboardInterrupt

        with pytest.MonkeyPatch.context() as patch:
            if stop == "models":
                patch.setattr(train, "write_trained", stopping)
            elif stop is not None:
                patch.setattr(ProgressBar, "on_epoch_end", stopping)
            train.train_fold(
                corpus,
                folds_of(segments, settings)[0],
                task_of(settings, segments),
                settings,
                folder,
                Console(file=io.StringIO()),
            )

    return run


CONFORMER = {"channels": 4, "units": 16, "num_layers": 1, "num_heads": 2, "kernel_size": 5}
OPTIONS = {
    "sampling, TensorBoard, SGD": {
        **{"class_balance": "sampling", "tensorboard": True},
        **{"optimizer": "sgd", "learning_rate": 0.1, "ema": None},
    },
    "waveforms, mixed": {"waveform_augmentation": True},
    "float16": {"precision": "mixed_float16"},
    "XLA": {"xla": True, "mixup": 0.0, "ema": None},
    "patience": {"patience": 1, "epochs": 8, "learning_rate": 1e-8},
    "ablations, one device": {"folded": False, "frozen_factors": True, "distribute": True},
    "Conformer, bfloat16": {
        **{"backbone": "conformer", "backbone_options": CONFORMER},
        "precision": "mixed_bfloat16",
    },
}
# Compiled by XLA, the largest of these backbones, and what the others have, too.
RARE = ("XLA", "Conformer, bfloat16", "float16", "ablations, one device")


@pytest.mark.slow
@pytest.mark.parametrize(
    "option",
    [
        pytest.param(option, marks=pytest.mark.nightly if option in RARE else ())
        for option in OPTIONS
    ],
)
def test_every_state_is_kept(training, tmp_path, option):
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    training(whole, OPTIONS[option])
    for stop in (1, "models"):
        with pytest.raises(KeyboardInterrupt):
            training(broken, OPTIONS[option], stop=stop)
    training(broken, OPTIONS[option])
    assert_same_models(broken, whole)
    if option == "patience":
        assert len(history_of(whole)) < 8


@pytest.fixture(scope="module")
def interrupting():
    """Ctrl-C in this process when something happens in a folder for the nth time, or never."""
    waiting = {}

    def happens(name, path=None):
        if waiting.get("event") == name and str(path or waiting["folder"]).startswith(
            waiting["folder"]
        ):
            waiting["left"] -= 1
            if waiting["left"] == 0:
                raise KeyboardInterrupt

    def audit(name, arguments):
        if name in EVENTS:
            happens(name, arguments[0])

    def before(name, function):
        def wrapped(*arguments, **options):
            happens(name)
            return function(*arguments, **options)

        return wrapped

    @contextlib.contextmanager
    def interrupt_at(event, nth, folder):
        waiting.update(event=event, left=nth, folder=str(folder))
        try:
            yield
        finally:
            waiting.clear()

    sys.addaudithook(audit)  # for good: there is no way to take it back
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", before("fsync", os.fsync))
        patch.setattr(zipfile.ZipFile, "open", before("zip", zipfile.ZipFile.open))
        yield interrupt_at


@pytest.mark.slow
def test_interrupted_at_every_event(training, interrupting, tmp_path):
    """The first and a late one of each kind, one after another in the same training."""
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    training(whole, {})
    stopped = 0
    for event, most in EVENTS.items():
        for nth in (1, most // 2):
            try:
                with interrupting(event, nth, broken):
                    training(broken, {})
            except KeyboardInterrupt:
                stopped += 1
            else:
                assert_same_models(broken, whole)
                shutil.rmtree(broken)
    training(broken, {})
    assert_same_models(broken, whole)
    assert stopped >= len(EVENTS)


@pytest.mark.slow
def test_with_teacher(training, tmp_path):
    run = RunFolder(tmp_path / "teacher")
    run.path.mkdir()
    run.begin(CustomSettings(**SETTINGS), recipe="custom", labels=LABELS, manifest="")
    training(run.fold("1"), {"epochs": 1})
    option = {"teacher": str(run.path), "backbone_options": TINY | {"units": 8}}
    whole, broken, alone = (tmp_path / name for name in ("whole", "broken", "alone"))
    training(whole, option)
    with pytest.raises(KeyboardInterrupt):
        training(broken, option, stop=2)
    training(broken, option)
    assert_same_models(broken, whole)
    training(alone, option | {"teacher": None})
    assert history_of(alone) != history_of(whole)


@pytest.mark.nightly
def test_quantized_with_teachers(training, tmp_path):
    """From a trained run, with both teachers of quantizers; interrupted, it ends the same."""
    run = RunFolder(tmp_path / "start")
    run.path.mkdir()
    run.begin(CustomSettings(**SETTINGS), recipe="custom", labels=LABELS, manifest="")
    training(run.fold("1"), {"epochs": 1})
    teachers = {"latent_teacher": True, "layer_teacher_weight": 0.5}
    option = {"start": str(run.path), "quantizer": "dual_learnable_ternary", **teachers}
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    training(whole, option)
    with pytest.raises(KeyboardInterrupt):
        training(broken, option, stop=2)
    training(broken, option)
    assert_same_models(broken, whole)
    light = load_model(whole / "light.keras")
    (fc1,) = (layer for layer in light._flatten_layers() if layer.name == "fc1")
    assert max(len(np.unique(channel)) for channel in np.asarray(fc1.kernel).T) <= 3


@pytest.mark.slow
def test_divergence(training, tmp_path):
    with pytest.raises(ValueError, match="Training has diverged in epoch 1: .*`learning_rate`"):
        training(tmp_path / "run", {"learning_rate": 1e30, "warm_up": 0.0})
    # No checkpoint: only what the diagnostics say of the weights before the first epoch.
    left = {path.name for path in (tmp_path / "run").iterdir()}
    assert left == {"diagnostics.csv", "singular_values.csv"}


@pytest.mark.slow
def test_interrupted_run_goes_on(prepared, failed, capsys, monkeypatch):
    """What a user meets between two calls, and that the second one ends as one alone."""
    settings = as_arguments(SETTINGS | {"epochs": 2})
    whole, run = prepared / "small", prepared / "small-broken"
    arguments = command("train", run, *FOLDS[:2], *settings)
    with monkeypatch.context() as patch:
        patch.setattr(ProgressBar, "on_epoch_end", interrupt)
        assert main(arguments) == 130
    folder = run / "fold-1"
    capsys.readouterr()
    with exclusive(run):
        assert f"Another process is writing '{run}'" in failed(main, *arguments)
    message = failed(main, *arguments[:-1], "ema=0.5", "seed=2")
    assert "seed was 1 and is 2; ema was 0.9 and is 0.5" in message
    whole_checkpoint = (folder / "checkpoint.npz").read_bytes()
    (folder / "checkpoint.npz").write_bytes(whole_checkpoint[:-100])
    assert main(arguments) == 2
    message = capsys.readouterr().err
    assert message.count("\n") == 1
    assert f"'{folder / 'checkpoint.npz'}' is damaged; delete its folder" in message
    (folder / "checkpoint.npz").write_bytes(whole_checkpoint)
    # As processes that were killed leave them.
    (folder / "history.csv").unlink()
    (folder / ".unfinished-abcd1234").mkdir()
    (folder / ".best.abcd1234.npz").touch()
    (run / ".note.csv").touch()
    assert main(arguments) == 0
    assert "goes on after epoch 1" in capsys.readouterr().out
    assert main(command("train", whole, *FOLDS[:2], *settings)) == 0
    assert_same_models(folder, whole / "fold-1")
    (run / ".note.csv").unlink()
    # Killed between its last two steps.
    (folder / "checkpoint.npz").touch()
    assert main(arguments) == 0
    assert_same_runs(run, whole)


def interrupt(*_):
    raise KeyboardInterrupt
