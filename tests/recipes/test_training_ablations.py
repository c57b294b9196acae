"""Ways of training that a comparison is made with, and the settings that ask for them."""

import json

import keras
import numpy as np
import pytest

import keras_reparam as kr
from recipes.common.configuration import checked
from recipes.common.run_folder import RunFolder
from recipes.common.settings import RecipeSettings
from recipes.common.training.backbone import create_backbone
from recipes.common.training.diagnostics import watched_layers
from recipes.common.training.distribution import all_devices

TINY = {"channels": 4, "units": 8, "num_layers": 1, "num_heads": 2, "dropout": 0.0}


def settings_of(**values):
    return RecipeSettings(**{"frames": 16, "backbone_options": TINY} | values)


def backbone_of(settings):
    keras.utils.set_random_seed(1)
    return create_backbone(settings, num_classes=3, num_mels=8)


def values_of(model):
    return {v.path: keras.ops.convert_to_numpy(v) for v in model.weights}


def step(model, rng=0):
    """One step of plain Keras; returns the loss before it."""
    rng = np.random.default_rng(rng)
    x, y = rng.normal(size=(4, 16, 8)).astype("float32"), np.eye(3)[[0, 1, 2, 0]]
    loss = keras.losses.CategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.SGD(0.1), loss, run_eagerly=True)
    return float(model.train_on_batch(x, y))


@pytest.mark.parametrize("option", ["folded", "frozen_factors"])
def test_ablations_are_about_expanded_kernels(option):
    usual = RecipeSettings.model_fields[option].default
    assert checked(RecipeSettings, {"expansion": 0, option: usual})
    with pytest.raises(ValueError, match=f"`{option}` must be {usual}.* where expansion=0".lower()):
        checked(RecipeSettings, {"expansion": 0, option: not usual})


def test_a_step_of_the_chain_is_one_of_the_product():
    folded, chained = backbone_of(settings_of()), backbone_of(settings_of(folded=False))
    (layer,) = watched_layers(chained).values()
    assert not layer.folded
    before = values_of(folded)
    assert step(chained) == pytest.approx(step(folded), rel=1e-5)
    found, expected = values_of(chained), values_of(folded)
    assert found.keys() == expected.keys()
    for path, value in expected.items():
        np.testing.assert_allclose(found[path], value, rtol=1e-5, atol=1e-5, err_msg=path)
    moved = [path for path in before if not np.array_equal(before[path], expected[path])]
    assert sum("factor_" in path for path in moved) == 3


@pytest.mark.slow
def test_all_factors_but_one_stay_as_they_start():
    settings = settings_of(frozen_factors=True, folded=False, factors=3)
    model = backbone_of(settings)
    before = values_of(model)
    for number in range(2):
        step(model, number)
    after = values_of(model)
    still = {path for path in before if np.array_equal(before[path], after[path])}
    names = {path.split("/")[-1] for path in still if "fc1" in path}
    assert names == {"factor_1", "factor_2", "factor_bias_1", "factor_bias_2"}

    # What is saved is the same without ablations, and it merges.
    usual = backbone_of(settings_of(factors=3))
    for weight in usual.weights:
        weight.assign(after[weight.path])
    for path, value in values_of(usual).items():
        np.testing.assert_array_equal(after[path], value)
    x = np.random.default_rng(5).normal(size=(2, 16, 8)).astype("float32")
    merged = kr.merge(usual)(x)
    np.testing.assert_allclose(merged, model(x), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("options", [{}, {"factors": 3}, {"expansion_base": "units"}])
def test_one_factor_can_make_the_product_anything(options):
    """The others are orthonormal: a step of SGD moves the product as that of a plain layer."""
    rng = np.random.default_rng(3)
    x, y = rng.normal(size=(5, 8)).astype("float32"), rng.normal(size=(5, 8)).astype("float32")
    # Of rank 4 the inner one is less than the input, of rank 16 more.
    units, expansion = (2, 2) if "expansion_base" in options else (8, 2)
    inputs = keras.Input((8,))
    hidden = keras.layers.Dense(units, activation="tanh", name="fc1")(inputs)
    plain = keras.Model(inputs, keras.layers.Dense(8, name="fc2")(hidden))
    frozen = kr.expand(plain, expansion=expansion, frozen_factors=True, **options)
    for model in (plain, frozen):
        model.compile(keras.optimizers.SGD(0.5), "mse")
        model.train_on_batch(x, y)
    for name in ("kernel", "bias"):
        found, expected = (
            keras.ops.convert_to_numpy(getattr(model.get_layer("fc1"), name))
            for model in (frozen, plain)
        )
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-6)
    assert sum(weight.trainable for weight in frozen.get_layer("fc1").weights) == 2


def test_a_run_from_before_a_setting_goes_on(tmp_path):
    about = {"recipe": "custom", "labels": ("a", "b"), "manifest": "0"}
    settings = RecipeSettings()
    run = RunFolder(tmp_path)
    run.begin(settings, **about)
    config = tmp_path / "config.json"
    values = json.loads(config.read_text())
    for name in ("folded", "frozen_factors", "distribute", "diagnostics"):
        del values[name]
    config.write_text(json.dumps(values))
    run.begin(settings, **about)
    other = settings.model_copy(update={"diagnostics": True})
    with pytest.raises(ValueError, match="diagnostics was False and is True"):
        run.begin(other, **about)


def test_one_device_is_all_devices_here():
    import tensorflow as tf

    with all_devices(settings_of(batch_size=3)) as devices:
        assert devices == 1
        assert tf.distribute.has_strategy()
        variable = keras.Variable(1.0)
    assert not tf.distribute.has_strategy()
    variable.assign(2.0)
    assert float(keras.ops.convert_to_numpy(variable)) == 2.0
