"""Gradient norms and singular values, against plain loops, NumPy and SciPy."""

import csv
import json
import os
import subprocess
import sys
from pathlib import Path

import keras
import matplotlib.image
import numpy as np
import pytest
import scipy.stats

import keras_reparam as kr
from keras_reparam.deploy.conversion.saved_model import load_model
from recipes.common.results.diagnostics import (
    Diagnostics,
    effective_rank,
    read_diagnostics,
    six_digits,
    write_diagnostics,
)
from recipes.common.results.diagnostics_plot import plot_diagnostics
from recipes.common.settings import RecipeSettings
from recipes.common.training.diagnostics import DiagnosticsRecorder, watched_layers
from recipes.common.training.gradients import GradientNorms
from recipes.common.training.optimizer import optimizer_of

ROOT = Path(__file__).resolve().parents[2]
SIZES = {
    "conv_transformer": {"channels": 4, "units": 8, "num_layers": 2, "num_heads": 2},
    "conformer": {"channels": 4, "units": 8, "num_layers": 1, "num_heads": 2, "kernel_size": 3},
}


def backbone(name="conv_transformer", expansion=0):
    light = kr.models.create(name, num_classes=3, num_mels=8, frames=16, **SIZES[name], dropout=0.0)
    return kr.expand(light, expansion=expansion) if expansion else light


def test_effective_rank_is_the_exponential_of_the_entropy():
    rng = np.random.default_rng(0)
    for values in (rng.random(7), np.array([3.0, 0.0, 1e-30]), np.array([2.0])):
        expected = np.exp(scipy.stats.entropy(values))
        assert effective_rank(values) == pytest.approx(expected, rel=1e-12)
    assert effective_rank(np.full(5, 0.3)) == pytest.approx(5)
    assert effective_rank(np.zeros(3)) == 0


def some_diagnostics(epochs=3, layers=("a/fc1", "b/fc1"), chosen=None):
    rng = np.random.default_rng(1)
    rows = [
        {"epoch": i + 1, "loss": rng.random(), "val_loss": 1 / 3, "gradient_norm": rng.random()}
        for i in range(epochs)
    ]
    values = {
        path: [six_digits(np.sort(rng.random(4 + i))[::-1]) for _ in range(epochs + 1)]
        for i, path in enumerate(layers)
    }
    return Diagnostics(rows, values, chosen)


def test_files_give_back_what_was_written(tmp_path):
    found = some_diagnostics()
    write_diagnostics(tmp_path, found)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    again = read_diagnostics(tmp_path)
    assert (again.rows, again.chosen) == (found.rows, None)
    for path, values in found.singular_values.items():
        np.testing.assert_array_equal(again.singular_values[path], values)
    write_diagnostics(tmp_path, again)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before
    (tmp_path / "training.json").write_text('{"chosen_epoch": 2}')
    assert read_diagnostics(tmp_path).chosen == 2
    early = again.up_to(1)
    assert [row["epoch"] for row in early.rows] == [1]
    assert [len(values) for values in early.singular_values.values()] == [2, 2]
    with (tmp_path / "diagnostics.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["epoch"] for row in rows] == ["0", "1", "2", "3"]
    assert rows[0]["loss"] == rows[0]["gradient_norm"] == ""
    for row, values in zip(rows, found.singular_values["b/fc1"], strict=True):
        expected = np.exp(scipy.stats.entropy(values))
        assert float(row["effective_rank:b/fc1"]) == pytest.approx(expected, rel=1e-5)


def test_files_that_are_not_there_or_damaged(tmp_path):
    with pytest.raises(FileNotFoundError, match="with diagnostics=true"):
        read_diagnostics(tmp_path)
    write_diagnostics(tmp_path, some_diagnostics())
    (tmp_path / "singular_values.csv").write_text("epoch,layer,singular_values\n0,a,one\n")
    with pytest.raises(ValueError, match="can't be read"):
        read_diagnostics(tmp_path)


@pytest.mark.slow
def test_picture_of_one_run_or_two(tmp_path):
    path = tmp_path / "diagnostics.png"
    plain, other = some_diagnostics(chosen=2), some_diagnostics(epochs=1)
    for runs in ({"": plain}, {"plain": plain, "HRF": other}):
        plot_diagnostics(path, runs, title="a model")
        image = matplotlib.image.imread(path)
        assert image.shape[1] > image.shape[0] > 800
        assert image[..., :3].std() > 0.02
    for runs in ({}, {"a": plain, "b": plain, "c": plain}):
        with pytest.raises(ValueError, match="One run is shown, or two"):
            plot_diagnostics(path, runs, title="a model")
    with pytest.raises(ValueError, match="of the same layers"):
        plot_diagnostics(path, {"a": plain, "b": some_diagnostics(layers=("c",))}, title="")
    assert [file.name for file in tmp_path.iterdir()] == [path.name]


@pytest.mark.parametrize("name", SIZES)
def test_plain_and_expanded_backbones_are_watched_in_the_same_places(name):
    plain, expanded = watched_layers(backbone(name)), watched_layers(backbone(name, 2))
    assert list(plain) == list(expanded)
    assert len(plain) == 2
    for path, layer in plain.items():
        assert type(layer) is keras.layers.Dense
        assert isinstance(expanded[path], kr.layers.HRFDense)
        assert tuple(layer.kernel.shape) == tuple(expanded[path].kernel.shape)


def small_model(norms, **options):
    model = keras.Sequential(
        [keras.Input((4,)), keras.layers.Dense(5, "tanh"), keras.layers.Dense(2)]
    )
    rng = np.random.default_rng(3)
    model.set_weights([rng.normal(size=w.shape) for w in model.weights])
    settings = RecipeSettings(learning_rate=0.1, warm_up=0.0, **options)
    loss = keras.losses.CategoricalCrossentropy(from_logits=True)
    model.compile(optimizer_of(settings, 10, norms=norms), loss)
    model.optimizer.build(model.trainable_variables)
    return model


@pytest.mark.slow
def test_norms_equal_those_of_a_plain_loop_and_change_nothing():
    import tensorflow as tf

    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(12, 4)).astype("float32"), np.eye(2)[np.arange(12) % 2]
    fit = {"batch_size": 4, "shuffle": False, "verbose": 0}
    watched, alone, loop = (small_model(i == 0, ema=0.5, clip_norm=0.1) for i in range(3))
    assert isinstance(watched.optimizer, GradientNorms)
    assert not isinstance(alone.optimizer, GradientNorms)
    assert np.isnan(watched.optimizer.mean_norm())
    for epoch in range(2):
        norms = []
        for start in range(0, 12, 4):
            with tf.GradientTape() as tape:
                loss = loop.loss(y[start : start + 4], loop(x[start : start + 4]))
            grads = tape.gradient(loss, loop.trainable_variables)
            norms.append(float(tf.linalg.global_norm(grads)))
            loop.optimizer.apply(grads)
        watched.optimizer.reset_norms()
        watched.fit(x, y, **fit)
        alone.fit(x, y, **fit)
        for model in (loop, watched, alone):
            # `fit` ends with the averages in the model; all go on from them.
            model.optimizer.finalize_variable_values(model.trainable_variables)
        assert watched.optimizer.mean_norm() == pytest.approx(np.mean(norms), rel=1e-5), epoch
    assert np.mean(norms) > 0.1
    for found, expected in zip(watched.get_weights(), alone.get_weights(), strict=True):
        np.testing.assert_array_equal(found, expected)


@pytest.mark.slow
def test_recorder_writes_the_singular_values_of_the_product(tmp_path):
    model = backbone(expansion=2)
    settings = RecipeSettings(epochs=2)
    loss = keras.losses.CategoricalCrossentropy(from_logits=True)
    model.compile(optimizer_of(settings, 1, norms=True), loss, run_eagerly=True)
    model.optimizer.build(model.trainable_variables)
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(4, 16, 8)).astype("float32"), np.eye(3)[[0, 1, 2, 0]]
    expected = []

    def note(*_):
        for layer in watched_layers(model).values():
            named = {v.name: keras.ops.convert_to_numpy(v).astype("float64") for v in layer.weights}
            product = named["factor_1"] @ named["factor_2"]
            expected.append(np.linalg.svd(product, compute_uv=False))

    def fit(folder, **options):
        recorder = DiagnosticsRecorder(folder, model, options.get("initial_epoch", 0))
        val_loss = keras.callbacks.LambdaCallback(
            on_epoch_end=lambda epoch, logs: logs.update(val_loss=0.5 + epoch)
        )
        noting = keras.callbacks.LambdaCallback(on_epoch_end=note)
        model.fit(x, y, callbacks=[val_loss, recorder, noting], verbose=0, **options)

    note()
    fit(tmp_path, epochs=1)
    # As if it had been killed before the checkpoint of a second epoch was written.
    found = read_diagnostics(tmp_path)
    row = {"epoch": 2, "loss": 9.0, "val_loss": 9.0, "gradient_norm": 9.0}
    more = {path: [*values, np.ones(8)] for path, values in found.singular_values.items()}
    write_diagnostics(tmp_path, Diagnostics([*found.rows, row], more))
    fit(tmp_path, epochs=2, initial_epoch=1)
    found = read_diagnostics(tmp_path)
    assert [(row["epoch"], row["val_loss"]) for row in found.rows] == [(1, 0.5), (2, 1.5)]
    assert all(0 < row["gradient_norm"] < 9 for row in found.rows)
    assert list(found.singular_values) == ["encoder_0/fc1", "encoder_1/fc1"]
    by_epoch = np.array(expected).reshape(3, 2, -1)
    for number, values in enumerate(found.singular_values.values()):
        np.testing.assert_allclose(values, by_epoch[:, number], rtol=1e-4, atol=1e-6)
    assert not np.allclose(by_epoch[1], by_epoch[2], rtol=1e-4)


TINY = {**SIZES["conv_transformer"], "units": 16, "feed_forward_units": 32, "dropout": 0.2}


def train(run, *settings, **env):
    """A training in a process of its own; returns the fold's folder."""
    arguments = ["train", "--out", run.parent, "--run", run.name, "--fold", "1"]
    options = {"backbone_options": TINY, "frames": 100, "batch_size": 4, "epochs": 2, "ema": 0.5}
    settings = [*(f"{name}={json.dumps(value)}" for name, value in options.items()), *settings]
    child = subprocess.run(
        [sys.executable, "-m", "recipes.custom", *map(str, arguments), *settings],
        cwd=ROOT,
        env={**os.environ, **env},
        capture_output=True,
        text=True,
    )
    assert child.returncode == 0, child.stderr
    return run / "fold-1"


@pytest.mark.parametrize(
    ("backend", "settings"),
    [
        pytest.param(
            "tensorflow", ("precision=mixed_float16", "expansion=0"), marks=pytest.mark.slow
        ),
        pytest.param("jax", (), marks=pytest.mark.nightly),
    ],
)
def test_diagnostics_do_not_change_the_training(prepared, tmp_path, backend, settings):
    for name in ("manifest.csv", "store"):
        (tmp_path / name).symlink_to(prepared / name)
    alone = train(tmp_path / "alone", *settings, KERAS_BACKEND=backend)
    watched = train(tmp_path / "watched", *settings, "diagnostics=true", KERAS_BACKEND=backend)
    for name in ("light.keras", "train.keras"):
        found, expected = (load_model(folder / name).get_weights() for folder in (watched, alone))
        for values, right in zip(found, expected, strict=True):
            np.testing.assert_array_equal(values, right)
    assert not (alone / "diagnostics.csv").exists()
    assert (watched / "diagnostics.png").stat().st_size > 10_000
    found = read_diagnostics(watched)
    with (watched / "history.csv").open(newline="") as file:
        history = list(csv.DictReader(file))
    assert [(row["loss"], row["val_loss"]) for row in found.rows] == [
        (float(row["loss"]), float(row["val_loss"])) for row in history
    ]
    assert all(np.isfinite(row["gradient_norm"]) for row in found.rows)
    assert [len(values) for values in found.singular_values.values()] == [3, 3]
