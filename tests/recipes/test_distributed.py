"""A training on two devices is that on one."""

import csv
import json
import os
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest

from keras_reparam.deploy.conversion.saved_model import load_model
from recipes.common.results.diagnostics import read_diagnostics
from recipes.custom.__main__ import main

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
import json, os, sys

devices, commands = int(sys.argv[1]), json.loads(sys.argv[2])
flags = os.environ.get("XLA_FLAGS", "")
os.environ["XLA_FLAGS"] = f"{flags} --xla_force_host_platform_device_count={devices}"
if os.environ["KERAS_BACKEND"] == "tensorflow":
    import tensorflow as tf

    cpu = tf.config.list_physical_devices("CPU")[0]
    logical = [tf.config.LogicalDeviceConfiguration() for _ in range(devices)]
    tf.config.set_logical_device_configuration(cpu, logical)
from recipes.custom.__main__ import main

codes = [main(arguments) for arguments in commands]
print("ended with", codes, file=sys.stderr)
sys.exit(max(codes))
"""


def command(run, folds, **change):
    settings = [f"{name}={json.dumps(value)}" for name, value in (SETTINGS | change).items()]
    folds = [argument for fold in folds for argument in ("--fold", fold)]
    return ["train", "--out", str(run.parent), "--run", run.name, *folds, *settings]


def train(devices, backend, *commands):
    """Trainings in a process of its own that has so many devices; returns how it ended."""
    return subprocess.run(
        [sys.executable, "-c", CHILD, str(devices), json.dumps(commands)],
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
        pytest.param("tensorflow", "1", marks=pytest.mark.slow),
        pytest.param("tensorflow", "12", marks=pytest.mark.nightly),
        pytest.param("jax", "1", marks=pytest.mark.nightly),
    ],
)
def test_two_devices_train_as_one(prepared, backend, folds):
    """Gradients are clipped, as by default; on TensorFlow two trainings follow one another."""
    one, two = (prepared / f"{backend}-{folds}-{devices}" for devices in (1, 2))
    if backend == keras.config.backend():
        assert main(command(one, folds)) == 0
    else:
        alone = train(1, backend, command(one, folds))
        assert alone.returncode == 0, alone.stderr
    shared = train(2, backend, command(two, folds, distribute=True))
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


REFUSED = (
    ({"batch_size": 5}, "`batch_size` must be a multiple of the number of devices, here 2."),
    ({"batch_size": 100}, "The 8 training clips do not fill a batch"),
    ({"xla": True}, "XLA can't compile the step."),
)
OPTIONS = {
    **{"precision": "mixed_float16", "spec_augment": True},
    **{"waveform_augmentation": True, "folded": False, "frozen_factors": True},
}


@pytest.mark.slow
def test_what_two_devices_can_and_can_not_do(prepared):
    """In one process: what is refused leaves nothing, nor anything behind for the next."""
    runs = [prepared / f"refused-{number}" for number in range(len(REFUSED))]
    shared = prepared / "shared"
    child = train(
        *(2, "tensorflow"),
        *(command(r, "1", distribute=True, **c) for r, (c, _) in zip(runs, REFUSED, strict=True)),
        command(shared, "1", distribute=True, epochs=2, **OPTIONS),
    )
    assert child.stderr.endswith("ended with [2, 2, 2, 0]\n"), child.stderr
    said = [line for line in child.stderr.splitlines() if line.startswith("custom: ")]
    for run, line, (_, message) in zip(runs, said, REFUSED, strict=True):
        assert message in line
        assert list((run / "fold-1").iterdir()) == []
    light = load_model(shared / "fold-1" / "light.keras")
    assert all(np.isfinite(weight).all() for weight in light.get_weights())
