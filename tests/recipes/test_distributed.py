"""A training on two devices is that on one."""

import csv
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from keras_reparam.deploy.conversion.saved_model import load_model
from recipes.common.results.diagnostics import read_diagnostics

ROOT = Path(__file__).resolve().parents[2]
SETTINGS = {
    "backbone_options": {
        "channels": 4,
        "units": 16,
        "num_layers": 1,
        "num_heads": 2,
        "feed_forward_units": 32,
        "dropout": 0.0,
        "norm_first": True,
    },
    "frames": 100,
    "batch_size": 4,
    "epochs": 3,
    "ema": 0.9,
    "mixup": 0.2,
    "spec_augment": False,
    "diagnostics": True,
}
# The command, in a process whose CPU TensorFlow and JAX take for so many devices.
CHILD = """
import os, runpy, sys

devices = int(sys.argv[1])
sys.argv = sys.argv[2:]
flags = os.environ.get("XLA_FLAGS", "")
os.environ["XLA_FLAGS"] = f"{flags} --xla_force_host_platform_device_count={devices}"
if os.environ["KERAS_BACKEND"] == "tensorflow":
    import tensorflow as tf

    cpu = tf.config.list_physical_devices("CPU")[0]
    logical = [tf.config.LogicalDeviceConfiguration() for _ in range(devices)]
    tf.config.set_logical_device_configuration(cpu, logical)
runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
"""


def train(run, devices, backend, folds, **change):
    """A training in a process of its own that has so many devices; returns how it ended."""
    settings = [f"{name}={json.dumps(value)}" for name, value in (SETTINGS | change).items()]
    arguments = ["train", "--out", run.parent, "--run", run.name]
    for fold in folds:
        arguments += ["--fold", fold]
    return subprocess.run(
        [sys.executable, "-c", CHILD, str(devices), "recipes.custom", *arguments, *settings],
        cwd=ROOT,
        env={**os.environ, "KERAS_BACKEND": backend},
        capture_output=True,
        text=True,
    )


def losses_of(folder):
    with (folder / "history.csv").open(newline="", encoding="utf-8") as file:
        return [(float(row["loss"]), float(row["val_loss"])) for row in csv.DictReader(file)]


@pytest.mark.parametrize(
    ("backend", "folds"),
    [
        pytest.param("tensorflow", "12", marks=pytest.mark.slow),
        pytest.param("jax", "1", marks=pytest.mark.nightly),
    ],
)
def test_two_devices_train_as_one(prepared, backend, folds):
    """Gradients are clipped, as by default; on TensorFlow two trainings follow one another."""
    one, two = prepared / f"{backend}-1", prepared / f"{backend}-2"
    alone = train(one, 1, backend, folds)
    assert alone.returncode == 0, alone.stderr
    shared = train(two, 2, backend, folds, distribute=True)
    assert shared.returncode == 0, shared.stderr
    assert ":tensorflow:" not in shared.stderr
    for fold in folds:
        first, second = (run / f"fold-{fold}" for run in (one, two))
        assert {file.name for file in second.iterdir()} == {file.name for file in first.iterdir()}
        assert json.loads((second / "training.json").read_text())["devices"] == 2
        np.testing.assert_allclose(losses_of(second), losses_of(first), rtol=1e-5)
        norms = [
            [row["gradient_norm"] for row in read_diagnostics(folder).rows]
            for folder in (first, second)
        ]
        np.testing.assert_allclose(norms[1], norms[0], rtol=1e-4)
        assert min(norms[0]) > 1
        for name in ("light.keras", "train.keras"):
            weights = [load_model(folder / name).get_weights() for folder in (first, second)]
            for found, expected in zip(*weights[::-1], strict=True):
                np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-4)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"batch_size": 5}, "`batch_size` must be a multiple of the number of devices, here 2."),
        ({"batch_size": 100}, "The 8 training clips do not fill a batch"),
        ({"xla": True}, "XLA can't compile the step."),
    ],
)
def test_what_two_devices_can_not_do(prepared, change, message):
    run = prepared / f"refused-{'-'.join(change)}-{len(message)}"
    child = train(run, 2, "tensorflow", "1", distribute=True, **change)
    assert child.returncode == 2, child.stderr
    assert message in child.stderr.splitlines()[-1]
    assert list((run / "fold-1").iterdir()) == []


@pytest.mark.slow
@pytest.mark.parametrize(
    "change",
    [
        {
            **{"precision": "mixed_float16", "spec_augment": True},
            **{"waveform_augmentation": True, "folded": False, "frozen_factors": True},
        },
    ],
)
def test_options_on_two_devices(prepared, change):
    run = prepared / f"shared-{len(change)}"
    child = train(run, 2, "tensorflow", "1", distribute=True, epochs=2, **change)
    assert child.returncode == 0, child.stderr
    light = load_model(run / "fold-1" / "light.keras")
    assert all(np.isfinite(weight).all() for weight in light.get_weights())
