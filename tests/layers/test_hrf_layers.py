"""All three HRF layers against the plain Keras layers they stand in for."""

import keras
import numpy as np
import pytest
from keras import ops

from keras_reparam.layers import HRFConv1D, HRFDense, HRFEinsumDense
from tests.layers.helpers import (
    CASES,
    TOLERANCE,
    difference,
    gradients,
    make,
    make_plain,
    numpy,
    random,
    scramble,
)
from tests.marks import slow_but

each_case = pytest.mark.parametrize("case", CASES)


@pytest.mark.backend
@each_case
@pytest.mark.parametrize("factors", slow_but([2, 3], 2))
@pytest.mark.parametrize("base", slow_but(["units", "input"], "units"))
def test_starts_as_the_plain_layer(case, factors, base):
    seed = {"kernel_initializer": keras.initializers.GlorotUniform(seed=7)}
    layer, x = make(case, factors=factors, expansion_base=base, expansion=2, **seed)
    plain = make_plain(case, kernel_initializer=keras.initializers.GlorotUniform(seed=7))
    assert difference(plain(x), layer(x)) < 1e-5
    assert layer.compute_output_shape(x.shape) == plain.compute_output_shape(x.shape)
    assert tuple(layer.kernel.shape) == tuple(plain.kernel.shape)
    assert tuple(layer.bias.shape) == tuple(plain.bias.shape)


@pytest.mark.backend
@each_case
@pytest.mark.parametrize("factors", [2, 3])
@pytest.mark.parametrize("hrf_bias", slow_but([True, False], True))
@pytest.mark.parametrize("use_bias", slow_but([True, False], True))
def test_merge_gives_the_plain_layer_with_the_same_outputs(case, factors, hrf_bias, use_bias):
    no_bias = {"bias_axes": None} if "einsum" in case else {"use_bias": False}
    layer, x = make(case, factors=factors, hrf_bias=hrf_bias, **({} if use_bias else no_bias))
    layer(x)
    scramble(layer)
    plain = layer.merge()
    assert type(plain) is CASES[case][1]
    assert plain.name == layer.name
    assert (plain.bias is not None) == (hrf_bias or use_bias)
    assert difference(layer(x), plain(x)) < 1e-5
    assert plain.count_params() < layer.count_params()


@pytest.mark.backend
@pytest.mark.parametrize("case", ["dense", "conv groups", "einsum transposed"])
@pytest.mark.parametrize("policy", slow_but(TOLERANCE, "mixed_float16"))
def test_merge_under_mixed_precision(case, policy):
    layer, x = make(case, dtype=policy)
    layer(x)
    scramble(layer)
    plain = layer.merge()
    assert plain.dtype_policy.name == policy
    assert keras.backend.standardize_dtype(layer(x).dtype) == layer.compute_dtype
    assert difference(layer(x), plain(x)) < TOLERANCE[policy]


@pytest.mark.backend
def test_the_fold_is_done_in_float32_under_mixed_precision():
    layer = HRFDense(32, dtype="mixed_bfloat16", expansion=8)
    layer.build((None, 64))
    scramble(layer)
    exact = numpy(layer._factors[0].value) @ numpy(layer._factors[1].value)
    assert keras.backend.standardize_dtype(layer.kernel.dtype) == "float32"
    assert np.abs(numpy(layer.kernel) - exact).max() / np.abs(exact).max() < 1e-6
    x = ops.cast(random((8, 64)), "bfloat16")
    # One rounding of the exact kernel: what a plain layer with that kernel computes.
    plain = keras.layers.Dense(32, dtype="mixed_bfloat16")
    plain.build((None, 64))
    plain.kernel.assign(exact)
    plain.bias.assign(numpy(layer.bias))
    assert difference(plain(x), layer(x)) < 5e-3


@pytest.mark.backend
@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_pure_low_precision_weights_merge(dtype):
    layer = HRFDense(6, dtype=dtype)
    layer.build((None, 5))
    scramble(layer)
    plain = layer.merge()
    assert keras.backend.standardize_dtype(plain.kernel.dtype) == dtype
    x = random((4, 5))
    assert difference(layer(x), plain(x)) < TOLERANCE[f"mixed_{dtype}"]


@pytest.mark.backend
def test_merge_multiplies_in_float64_and_rounds_once():
    layer = HRFDense(8, expansion=8, factors=3)
    layer.build((None, 16))
    scramble(layer)
    k1, k2, k3 = (numpy(factor.value) for factor in layer._factors)
    np.testing.assert_array_equal(numpy(layer.merge().kernel), (k1 @ k2 @ k3).astype("float32"))


@pytest.mark.backend
@pytest.mark.parametrize("factors", [2, 3])
@pytest.mark.parametrize("hrf_bias", slow_but([True, False], True))
@pytest.mark.parametrize("use_bias", slow_but([True, False], True))
@pytest.mark.parametrize(
    ("policy", "rank"),
    [("float32", 2), ("float32", 4), ("mixed_float16", 3), ("mixed_bfloat16", 3)],
)
def test_gradients_equal_those_of_a_chain_of_dense_layers(
    factors, hrf_bias, use_bias, policy, rank
):
    """`rank` is the number of axes of the input."""
    x = random((*(4, 3, 2)[: rank - 1], 5))
    layer = HRFDense(
        6,
        expansion=2,
        factors=factors,
        hrf_bias=hrf_bias,
        use_bias=use_bias,
        dtype=policy,
        activation="tanh",
    )
    layer(x)
    scramble(layer)
    inner = [
        keras.layers.Dense(layer._factors[0].shape[-1], use_bias=hrf_bias)
        for _ in range(factors - 1)
    ]
    chain = keras.Sequential([*inner, keras.layers.Dense(6, activation="tanh", use_bias=use_bias)])
    chain.build(x.shape)
    for i, dense in enumerate(chain.layers):
        dense.kernel.assign(layer._factors[i])
        if dense.bias is not None:
            row = layer._bias if i == factors - 1 else layer._inner_biases[i]
            dense.bias.assign(ops.reshape(row, (-1,)))

    def loss(model):
        return lambda x: ops.sum(ops.square(ops.cast(model(x), "float32")))

    found = gradients(loss(layer), layer, x)
    expected = gradients(loss(chain), chain, x)
    tolerance = {"float32": 1e-4, "mixed_float16": 2e-2, "mixed_bfloat16": 1e-1}[policy]
    by_name = {v.name: g for v, g in zip(layer.trainable_weights, found, strict=True)}
    order = []
    for i in range(factors):
        order.append(by_name[f"factor_{i + 1}"])
        if i < factors - 1 and hrf_bias:
            order.append(by_name[f"factor_bias_{i + 1}"])
    if use_bias:
        order.append(by_name["bias"])
    for first, second in zip(expected, order, strict=True):
        assert np.abs(first - second.reshape(first.shape)).max() < tolerance * np.abs(first).max()


@pytest.mark.parametrize(
    "initializer",
    slow_but(["glorot_uniform", "he_normal", "lecun_uniform", "random_normal"], "he_normal"),
)
@pytest.mark.parametrize("factors", [2, 3])
def test_fresh_kernels_have_the_variance_of_plain_ones(initializer, factors):
    def kernels(make_layer):
        found = []
        for _ in range(20):
            layer = make_layer()
            layer.build((None, 24))
            found.append(numpy(layer.kernel))
        return np.stack(found)

    plain = kernels(lambda: keras.layers.Dense(48, kernel_initializer=initializer))
    hrf = kernels(
        lambda: HRFDense(48, kernel_initializer=initializer, factors=factors, expansion=2)
    )
    # 20 * 24 * 48 values: the variance is known to about 1 %.
    assert abs(hrf.var() / plain.var() - 1) < 0.04
    assert abs(hrf.mean()) < 4 * plain.std() / np.sqrt(plain.size)
    assert hrf.std(axis=0).min() > 0


@pytest.mark.backend
@each_case
def test_regularizers_act_on_the_effective_weights(case):
    options = {
        "kernel_regularizer": keras.regularizers.L2(0.1),
        "bias_regularizer": keras.regularizers.L1(0.2),
    }
    layer, x = make(case, **options)
    layer(x)
    scramble(layer)
    layer(x)
    plain = layer.merge()
    plain(x)
    assert len(layer.losses) == 2
    np.testing.assert_allclose(
        sorted(float(v) for v in layer.losses), sorted(float(v) for v in plain.losses), rtol=1e-5
    )
    layer.trainable = False
    assert not layer.losses


@pytest.mark.backend
def test_regularizers_are_trained_through():
    model = keras.Sequential([HRFDense(4, kernel_regularizer=keras.regularizers.L2(1.0))])
    model.compile(keras.optimizers.SGD(0.01), "mse")
    x = np.zeros((8, 3), "float32")
    model.build(x.shape)
    before = np.abs(numpy(model.layers[0].kernel)).sum()
    model.fit(x, np.zeros((8, 4)), epochs=5, verbose=0)
    assert np.abs(numpy(model.layers[0].kernel)).sum() < 0.9 * before


@pytest.mark.backend
@each_case
def test_constraints_hold_for_the_effective_weights(case):
    options = {
        "kernel_constraint": keras.constraints.NonNeg(),
        "bias_constraint": keras.constraints.NonNeg(),
    }
    layer, x = make(case, **options)
    layer(x)
    scramble(layer)
    plain = layer.merge()
    for weights in (layer, plain):
        assert numpy(weights.kernel).min() >= 0 and numpy(weights.kernel).max() > 0
        assert numpy(weights.bias).min() >= 0
    assert difference(layer(x), plain(x)) < 1e-5


@pytest.mark.backend
def test_dense_options_mean_what_they_mean_there():
    layer = HRFDense(4, activity_regularizer=keras.regularizers.L2(0.5), trainable=False)
    inputs = random((3, 5))
    outputs = layer(inputs)
    assert not layer.trainable_weights and len(layer.weights) == 4
    expected = 0.5 * np.square(numpy(outputs)).sum() / 3
    np.testing.assert_allclose(float(layer.losses[0]), expected, rtol=1e-5)


@pytest.mark.backend
def test_masks_pass_through():
    sequence = keras.layers.Masking()(random((2, 4, 3)))
    mask = keras.src.backend.get_keras_mask(HRFDense(5)(sequence))
    assert mask is not None and tuple(mask.shape) == (2, 4)


@each_case
def test_config_round_trip(case):
    layer, x = make(case, expansion=3, factors=3, expansion_base="input", hrf_bias=False)
    layer(x)
    again = type(layer).from_config(layer.get_config())
    assert again.get_config() == layer.get_config()
    assert again.name == layer.name
    again.build(x.shape)
    assert [v.shape for v in again.weights] == [v.shape for v in layer.weights]


@pytest.mark.backend
@pytest.mark.parametrize("filename", slow_but(["model.keras", "model.weights.h5"], "model.keras"))
def test_saving_keeps_the_factors_and_training_goes_on_exactly(tmp_path, filename):
    def build():
        model = keras.Sequential(
            [keras.Input((6, 4)), HRFDense(8, activation="relu"), HRFConv1D(4, 3), HRFDense(2)]
        )
        model.compile(keras.optimizers.Adam(0.01), "mse")
        return model

    x, y = random((16, 6, 4)), random((16, 4, 2), seed=3)
    model = build()
    model.fit(x, y, epochs=3, verbose=0, shuffle=False)
    path = tmp_path / filename
    if filename.endswith(".keras"):
        model.save(path)
        again = keras.saving.load_model(path)
    else:
        model.save_weights(path)
        again = build()
        again.optimizer.build(again.trainable_variables)
        again.load_weights(path)
    expected = model.fit(x, y, epochs=3, verbose=0, shuffle=False).history["loss"]
    found = again.fit(x, y, epochs=3, verbose=0, shuffle=False).history["loss"]
    np.testing.assert_allclose(found, expected, rtol=1e-6)


@pytest.mark.backend
@pytest.mark.filterwarnings("ignore:Skipping nested container")
def test_a_plain_layer_refuses_factors(tmp_path):
    inputs = keras.Input((4,))
    expanded = keras.Model(inputs, HRFDense(3, name="fc")(inputs))
    inputs = keras.Input((4,))
    plain = keras.Model(inputs, keras.layers.Dense(3, name="fc")(inputs))
    expanded.save_weights(tmp_path / "expanded.weights.h5")
    before = numpy(plain.layers[1].kernel)
    with pytest.raises(ValueError, match="could not be loaded"):
        plain.load_weights(tmp_path / "expanded.weights.h5")
    np.testing.assert_array_equal(numpy(plain.layers[1].kernel), before)


@pytest.mark.parametrize(
    ("saved", "message"),
    [
        ({"expansion": 2}, "expansion"),
        ({"factors": 3}, "factors, hrf_bias"),
        ({"hrf_bias": False}, "factors, hrf_bias"),
    ],
)
def test_a_checkpoint_of_other_options_is_refused_by_name(tmp_path, saved, message):
    first, second = (
        keras.Sequential([keras.Input((4,)), HRFDense(3, name="fc", **options)])
        for options in (saved, {})
    )
    first.save_weights(tmp_path / "other.weights.h5")
    with pytest.raises(ValueError, match=f"(?s)Layer 'fc'.*{message}"):
        second.load_weights(tmp_path / "other.weights.h5")


@pytest.mark.backend
def test_lora_and_quantization_ask_to_merge_first():
    layer = HRFDense(4, name="fc")
    layer.build((None, 3))
    for call in (lambda: layer.enable_lora(2), lambda: layer.quantize("int8")):
        with pytest.raises(ValueError, match=r"'fc'.*keras_reparam.merge"):
            call()
    plain = layer.merge()
    plain.enable_lora(2)
    plain = layer.merge()
    plain.quantize("int8")
    assert plain.quantization_mode == "int8"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"expansion": 0}, "positive integer.*expansion=0"),
        ({"expansion": -2}, "positive integer.*expansion=-2"),
        ({"expansion": 1.5}, "positive integer.*expansion=1.5"),
        ({"expansion": True}, "positive integer.*expansion=True"),
        ({"expansion": "4"}, "positive integer.*expansion='4'"),
        ({"factors": 1}, "2 or 3.*factors=1"),
        ({"factors": 4}, "2 or 3.*factors=4"),
        ({"factors": True}, "2 or 3.*factors=True"),
        ({"expansion_base": "output"}, "units.*input.*expansion_base='output'"),
        ({"hrf_bias": 1}, "True or False.*hrf_bias=1"),
    ],
)
@pytest.mark.parametrize("case", ["dense", "conv", "einsum"])
def test_bad_options(case, options, message):
    with pytest.raises(ValueError, match=message):
        make(case, **options)


def test_options_are_keyword_only():
    with pytest.raises(TypeError):
        HRFDense(4, 4)


def test_einsum_equations_that_cannot_be_factorized():
    with pytest.raises(ValueError, match="abc,c->abc.*sums over no axis"):
        HRFEinsumDense("abc,c->abc", (None, 3))
    with pytest.raises(ValueError, match="hrf_bias=False"):
        HRFEinsumDense("abc,cde->abde", (None, 2, 4), bias_axes="e")
    layer = HRFEinsumDense("abc,cde->abde", (None, 2, 4), bias_axes="e", hrf_bias=False)
    x = random((2, 5, 3))
    layer(x)
    scramble(layer)
    assert difference(layer(x), layer.merge()(x)) < 1e-5


def test_an_unbuilt_layer_has_no_kernel_and_cannot_be_merged():
    layer = HRFDense(4, name="fc")
    with pytest.raises(AttributeError, match="build the layer"):
        _ = layer.kernel
    with pytest.raises(ValueError, match="'fc' has no weights"):
        layer.merge()


@pytest.mark.backend
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_dead_factors_are_refused(value):
    layer = HRFDense(4, name="fc")
    layer.build((None, 3))
    factor = numpy(layer._factors[1].value)
    factor[0, 0] = value
    layer._factors[1].assign(factor)
    with pytest.raises(ValueError, match="'fc'.*factor_2 holds 1 values that are NaN or infinite"):
        layer.merge()


@pytest.mark.backend
def test_a_model_that_is_built_by_fit_starts_as_the_plain_one_would():
    initializer = keras.initializers.HeNormal(seed=5)
    layer = HRFDense(8, activation="relu", kernel_initializer=initializer)
    model = keras.Sequential([layer, HRFDense(1)])
    model.compile(keras.optimizers.SGD(0.0), "mse")
    model.fit(random((8, 4)), random((8, 1)), epochs=1, verbose=0)
    assert layer._factors[0].shape == (4, 32)
    plain = keras.initializers.HeNormal(seed=5)((4, 8))
    np.testing.assert_allclose(numpy(layer.kernel), numpy(plain), atol=1e-5)


def test_repr_says_what_it_is():
    assert repr(HRFDense(4, name="fc")) == (
        "<HRFDense name=fc, expansion=4, expansion_base=units, factors=2, hrf_bias=True, "
        "folded=True, frozen_factors=False, built=False>"
    )


@pytest.mark.parametrize("hrf_bias", [False, True])
@pytest.mark.parametrize("use_bias", [False, True])
@pytest.mark.parametrize("factors", [2, 3])
def test_unfolded_it_is_a_chain_of_dense_layers(factors, use_bias, hrf_bias):
    layer = HRFDense(
        5,
        expansion=2,
        factors=factors,
        use_bias=use_bias,
        hrf_bias=hrf_bias,
        folded=False,
        activation="relu",
    )
    x = random((2, 7, 3))
    layer(x)
    scramble(layer)
    named = {weight.name: weight for weight in layer.weights}
    dense = []
    for i in range(1, factors + 1):
        bias = named.get("bias" if i == factors else f"factor_bias_{i}")
        kernel = named[f"factor_{i}"]
        dense.append(keras.layers.Dense(kernel.shape[-1], use_bias=bias is not None))
        dense[-1].build((None, kernel.shape[0]))
        dense[-1].kernel.assign(kernel)
        if bias is not None:
            dense[-1].bias.assign(ops.reshape(bias, (-1,)))
    assert difference(keras.Sequential([*dense, keras.layers.ReLU()])(x), layer(x)) < 1e-5


def test_what_cannot_be_a_chain_is_refused():
    with pytest.raises(ValueError, match="only Dense layers"):
        HRFConv1D(4, 1, folded=False)
    with pytest.raises(ValueError, match="constrained"):
        HRFDense(4, kernel_constraint="non_neg", folded=False)
