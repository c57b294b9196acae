"""Every method against the plain layers that it trains and merges into."""

import keras
import numpy as np
import pytest

import keras_reparam as kr
from tests.layers.contract import ROWS, takes_training, trained
from tests.layers.helpers import TOLERANCE, difference, gradients, numpy
from tests.marks import slow_but

# Each has a neighbour that differs from it in one thing alone.
SLOW = (
    *("HRF, one factor", "HRF and shift, EinsumDense", "HRF and ternary, Conv1D"),
    *("branches, no bias", "int4, Dense", "pruned and sign, Dense"),
    *("HRF, EinsumDense", "branches, causal", "HRF and soft threshold, Dense"),
)
pytestmark = pytest.mark.parametrize(
    "row",
    [
        pytest.param(row, id=name, marks=pytest.mark.slow if name in SLOW else ())
        for name, row in ROWS.items()
    ],
)


def test_conversion_keeps_the_function_at_inference(row):
    """A quantizer's is that of the kernel on its grid."""
    assert difference(row.expected(row.make_plain())(row.x), row.make()(row.x)) < 1e-5


def test_a_new_layer_starts_as_the_plain_one(row):
    options = {f"{row.kernel}_initializer": keras.initializers.HeNormal(seed=3)}
    plain = row.plain(**options)
    new = row.training_class.from_config(
        {**plain.get_config(), **row.method.at(row.make_plain(), []).get_config()}
    )
    plain(row.x)
    assert difference(row.expected(plain)(row.x), new(row.x)) < 1e-5


@pytest.mark.backend
def test_merging_gives_the_plain_layer_with_the_trained_function(row):
    layer = trained(row.make(), row.x)
    plain = layer.merge()
    assert type(plain) is type(row.plain()) and plain.name == layer.name
    assert difference(layer(row.x), plain(row.x)) < 1e-5
    assert plain.count_params() == row.make_plain().count_params() <= layer.count_params()


@pytest.mark.backend
def test_every_trained_weight_has_a_gradient(row):
    layer = trained(row.make(), row.x)

    def loss(x):
        return keras.ops.mean(keras.ops.square(layer(x) - 1.0))

    found = gradients(loss, layer, row.x)
    assert all(np.isfinite(g).all() and np.abs(g).max() > 0 for g in found)
    if row.quantizer is not None:
        return  # its gradient is no slope: see tests/test_quantizers.py
    # Against the slope itself, along the gradient.
    before = float(loss(row.x))
    for weight, gradient in zip(layer.trainable_weights, found, strict=True):
        weight.assign(weight - 1e-3 * gradient)
    expected = 1e-3 * sum(np.square(g).sum() for g in found)
    assert before - float(loss(row.x)) == pytest.approx(expected, rel=0.1)


@pytest.mark.backend
def test_saving_and_loading_keeps_everything(row, tmp_path):
    model = keras.Sequential([keras.Input(row.shape[1:]), trained(row.make(), row.x)])
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(numpy(again(row.x)), numpy(model(row.x)))
    assert again.layers[0].get_config() == model.layers[0].get_config()
    assert [v.name for v in again.weights] == [v.name for v in model.weights]
    assert again.layers[0].method == model.layers[0].method


def test_a_plain_checkpoint_loads(row, tmp_path):
    plain = keras.Sequential([keras.Input(row.shape[1:]), row.make_plain()])
    plain.save_weights(tmp_path / "plain.weights.h5")
    model = keras.Sequential([keras.Input(row.shape[1:]), trained(row.make(), row.x)])
    model.load_weights(tmp_path / "plain.weights.h5")
    assert difference(row.expected(plain.layers[0])(row.x), model(row.x)) < 1e-5


@pytest.mark.parametrize("policy", slow_but(["mixed_float16", "mixed_bfloat16"], "mixed_float16"))
def test_precision_policies(row, policy):
    layer = trained(row.make(dtype=policy), row.x)
    assert keras.backend.standardize_dtype(layer(row.x).dtype) == layer.compute_dtype
    assert {keras.backend.standardize_dtype(v.dtype) for v in layer.weights} == {"float32"}
    plain = layer.merge()
    assert plain.dtype_policy.name == policy
    assert difference(layer(row.x), plain(row.x)) < TOLERANCE[policy]


def test_penalties_are_those_of_the_effective_weights(row):
    options = {f"{row.kernel}_regularizer": keras.regularizers.L2(0.1)}
    layer = trained(row.make(**options), row.x)
    layer(row.x)
    plain = layer.merge()
    plain(row.x)
    assert [float(v) for v in layer.losses] == pytest.approx([float(v) for v in plain.losses])


def test_a_constraint_holds_for_the_effective_kernel(row):
    if not getattr(row.method, "folded", True):
        pytest.skip("a chain has no effective kernel")
    layer = row.training_class.from_config(
        {
            **row.plain(**{f"{row.kernel}_constraint": "non_neg"}).get_config(),
            **row.method.at(row.make_plain(), []).get_config(),
        }
    )
    layer(row.x)
    assert numpy(layer.kernel).min() >= 0
    assert numpy(layer.merge().kernel).min() >= 0
    assert difference(layer(row.x), layer.merge()(row.x)) < 1e-5


def test_what_needs_one_kernel_asks_to_merge_first(row):
    layer = row.make()
    for call in (lambda: layer.enable_lora(2), lambda: layer.quantize("int8")):
        with pytest.raises(ValueError, match=r"'layer'.*keras_reparam.merge"):
            call()


def test_weights_that_are_not_finite_are_named(row):
    layer = row.make()
    weight = layer.trainable_weights[0]
    weight.assign(np.full(weight.shape, np.nan))
    with pytest.raises(ValueError, match=rf"'layer'.*{weight.name} holds"):
        layer.merge()


def test_a_mask_goes_where_the_plain_layer_lets_it(row):
    assert row.make().supports_masking == row.make_plain().supports_masking


@pytest.mark.slow
def test_a_model_is_expanded_trained_and_merged(row):
    """The whole way: the light model back, and in training the loss falls."""
    model = keras.Sequential([keras.Input(row.shape[1:]), row.make_plain()])
    train = row.put_in_training(model)
    assert kr.summary(train).rows[0].reason == ""
    assert difference(row.expected(model.layers[0])(row.x), train(row.x)) < 1e-5
    train.compile(keras.optimizers.SGD(0.05), "mse")
    target = numpy(model(row.x)) * 0.5
    losses = train.fit(row.x, target, epochs=8, verbose=0, batch_size=4).history["loss"]
    assert losses[-1] < losses[0]
    light = kr.merge(train)
    assert type(light.layers[0]) is type(row.plain())
    assert difference(train(row.x), light(row.x)) < 1e-5
    assert light.count_params() == model.count_params()


def test_frozen_it_stays_as_it_is(row):
    layer = trained(row.make(), row.x)
    layer.trainable = False
    before, expected = [numpy(v) for v in layer.weights], numpy(layer(row.x))
    options = {"training": True} if takes_training(layer) else {}
    np.testing.assert_array_equal(numpy(layer(row.x, **options)), expected)
    for value, variable in zip(before, layer.weights, strict=True):
        np.testing.assert_array_equal(numpy(variable), value)


def test_options_survive_their_config(row):
    method = row.method.at(row.make_plain(), [])
    assert type(method).from_config(method.get_config()) == method
    assert row.make().method == method
