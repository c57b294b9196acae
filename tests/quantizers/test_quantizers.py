"""Each quantizer against its formula, worked out by hand or written out in NumPy."""

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from keras import ops

import keras_reparam as kr
from keras_reparam.quantizers import (
    DualLearnableTernary,
    Integer,
    ScaledSign,
    SoftThresholdTernary,
    Ternary,
)

SHIFTED = DualLearnableTernary(shift=True)
ALL = [Ternary(), SoftThresholdTernary(), DualLearnableTernary(), SHIFTED, ScaledSign()]
ALL += [Integer(2), Integer(4), Integer(8)]
TERNARY = [Ternary(), SoftThresholdTernary(), DualLearnableTernary()]


def draw(shape, seed=0, scale=0.1):
    return (scale * np.random.default_rng(seed).standard_normal(shape)).astype("float32")


def started(quantizer, kernel, seed=None):
    """Values of the own variables: of the start, or moved away from it."""
    start = quantizer.start(ops.convert_to_tensor(kernel))
    start = {name: ops.convert_to_numpy(value) for name, value in start.items()}
    if seed is not None:
        start = {name: x + draw(x.shape, seed, 0.02) for name, x in start.items()}
    return start


def on_grid(quantizer, kernel, variables):
    tensors = {name: ops.convert_to_tensor(value) for name, value in variables.items()}
    return ops.convert_to_numpy(quantizer(ops.convert_to_tensor(kernel), tensors))


def slopes(quantizer, kernel, variables, direction):
    """Gradients of `sum(direction * kernel on the grid)`, by name; the latent kernel's is `""`."""
    weights = {"": kernel, **variables}
    values = {name: keras.Variable(value) for name, value in weights.items()}

    def loss(tensors):
        own = {name: value for name, value in tensors.items() if name}
        return ops.sum(direction * quantizer(tensors[""], own))

    tensors = {name: variable.value for name, variable in values.items()}
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        with tf.GradientTape() as tape:
            tape.watch(tensors)
            value = loss(tensors)
        found = tape.gradient(value, tensors)
    else:
        import jax

        found = jax.grad(loss)(tensors)
    return {name: ops.convert_to_numpy(gradient) for name, gradient in found.items()}


def finite_differences(function, at):
    """The slope of a function of one array, in float64."""
    at = at.astype("float64")
    found = np.zeros_like(at)
    for index in np.ndindex(at.shape):
        step = np.zeros_like(at)
        step[index] = 1e-6
        found[index] = (function(at + step) - function(at - step)) / 2e-6
    return found


def sign(x):
    return np.where(x >= 0, 1.0, -1.0)


# By hand


@pytest.mark.backend
@pytest.mark.parametrize(
    ("quantizer", "kernel", "variables", "expected"),
    [
        # Threshold 0.7 x 0.575 = 0.4025; a = (0.5 + 1.5) / 2.
        (Ternary(), [0.5, -0.2, 0.1, -1.5], {}, [1.0, 0.0, 0.0, -1.0]),
        # W1 = (.5, -.25), W2 = (.25, .5): a = .375.
        (SoftThresholdTernary(), [0.75, 0.25], {"difference": [0.25, -0.75]}, [0.75, 0.0]),
        # Pattern (1, 0, -1); 63 x 0.1 / 0.63 = 10 steps of 0.01.
        (SHIFTED, [1.0, 0.0, -2.0], {"scale": 0.63, "shift": 0.103}, [0.73, 0.1, -0.53]),
        # A scale that has gone below zero turns the pattern round.
        (DualLearnableTernary(), [1.0, 0.0, -2.0], {"scale": -0.5}, [-0.5, 0.0, 0.5]),
        # The shift ends at 64 steps: codes 63 + 64 = 127.
        (SHIFTED, [1.0, 0.0, -2.0], {"scale": 0.63, "shift": 5.0}, [1.27, 0.64, 0.01]),
        (ScaledSign(), [1.0, 0.0, -2.0], {}, [1.0, 1.0, -1.0]),
        (Integer(3), [0.3, 0.14, -0.26, 0.0], {}, [0.3, 0.1, -0.3, 0.0]),
        # No kernel at all.
        (Ternary(), [0.0, 0.0], {}, [0.0, 0.0]),
        (Integer(8), [0.0, 0.0], {}, [0.0, 0.0]),
        (ScaledSign(), [0.0, 0.0], {}, [0.0, 0.0]),
        (SHIFTED, [0.0, 0.0], {"scale": 0.0, "shift": 0.1}, [0.0, 0.0]),
    ],
)
def test_by_hand(quantizer, kernel, variables, expected):
    kernel = np.array(kernel, "float32")[:, None]
    variables = {
        name: np.reshape(value, (-1, 1) if np.ndim(value) else (1,)).astype("float32")
        for name, value in variables.items()
    }
    np.testing.assert_allclose(on_grid(quantizer, kernel, variables)[:, 0], expected, atol=1e-6)


def test_the_scale_of_two_binary_kernels_is_the_best_one():
    first, second = draw((7, 1), 1), draw((7, 1), 2)
    difference = {"difference": first - second}
    _, scale = SoftThresholdTernary().codes_and_scale(first + second, difference)

    def error(a):
        return sum(np.square(w - a * sign(w)).sum() for w in (first, second))

    a = scale.item() / 2
    assert error(a) < min(error(a * 1.01), error(a * 0.99))


@pytest.mark.parametrize("quantizer", [SoftThresholdTernary(), DualLearnableTernary(), SHIFTED])
def test_training_starts_at_the_pattern_of_twn(quantizer):
    kernel = draw((40, 8))
    expected = Ternary().codes_and_scale(kernel)[0]
    codes, scale = quantizer.codes_and_scale(kernel, started(quantizer, kernel))
    np.testing.assert_array_equal(np.sign(codes), expected)
    if isinstance(quantizer, DualLearnableTernary):
        np.testing.assert_allclose(codes * scale, np.multiply(*Ternary().codes_and_scale(kernel)))


# Gradients


@pytest.mark.backend
def test_gradients_of_twn_and_integers_are_the_kernels():
    kernel, direction = draw((6, 3)), draw((6, 3), 9)
    for quantizer in (Ternary(), Integer(4)):
        np.testing.assert_array_equal(slopes(quantizer, kernel, {}, direction)[""], direction)


@pytest.mark.backend
def test_gradient_of_the_scaled_sign():
    """Through the mean by its finite differences, and `a` times the sign's, taken as 1."""
    kernel, direction = draw((6, 3)), draw((6, 3), 9)
    found = slopes(ScaledSign(), kernel, {}, direction)[""]
    signs = sign(kernel)

    def through_scale(k):
        return (direction * np.abs(k).mean(axis=0) * signs).sum()

    expected = finite_differences(through_scale, kernel)
    expected += np.abs(kernel).mean(axis=0) * direction
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-7)


@pytest.mark.backend
def test_gradient_of_the_two_binary_kernels():
    kernel, direction = draw((6, 3)), draw((6, 3), 9)
    variables = started(SoftThresholdTernary(), kernel, seed=5)
    difference = variables["difference"].astype("float64")
    found = slopes(SoftThresholdTernary(), kernel, variables, direction)
    signs = sign(kernel + difference) + sign(kernel - difference)

    def scale(k, d):
        first, second = (k + d) / 2, (k - d) / 2
        return (np.abs(first).sum(axis=0) + np.abs(second).sum(axis=0)) / (2 * len(k))

    def through_scale(k, d):
        return (direction * scale(k, d) * signs).sum()

    expected = finite_differences(lambda k: through_scale(k, difference), kernel)
    # sign(W1) + sign(W2) has the slope dW1 + dW2 = dK.
    expected += scale(kernel, difference) * direction
    np.testing.assert_allclose(found[""], expected, rtol=1e-4, atol=1e-7)
    kernel = kernel.astype("float64")
    expected = finite_differences(lambda d: through_scale(kernel, d), difference)
    np.testing.assert_allclose(found["difference"], expected, rtol=1e-4, atol=1e-7)


@pytest.mark.backend
@pytest.mark.parametrize("quantizer", [DualLearnableTernary(), SHIFTED], ids=repr)
def test_gradients_of_scale_and_shift(quantizer):
    kernel, direction = draw((6, 3)), draw((6, 3), 9)
    variables = started(quantizer, kernel, seed=5)
    found = slopes(quantizer, kernel, variables, direction)
    pattern = Ternary().codes_and_scale(kernel)[0]
    np.testing.assert_array_equal(found[""], direction)

    def value(scale, shift):
        return (direction * (scale * pattern + shift)).sum()

    scale, shift = variables["scale"], variables.get("shift", np.zeros(3))
    expected = finite_differences(lambda a: value(a, shift), scale)
    np.testing.assert_allclose(found["scale"], expected, rtol=1e-5)
    if quantizer.shift:
        expected = finite_differences(lambda g: value(scale, g), shift)
        np.testing.assert_allclose(found["shift"], expected, rtol=1e-5)


# On the grid, whatever the kernel

sizes = st.sampled_from([(1, 1), (2, 3), (7, 2)])
scales = st.sampled_from([1e-20, 1e-6, 1.0, 1e6, 1e20])
# Zeros, ties and equal values are where a threshold or a sign goes wrong.
values = st.sampled_from([0.0, -0.0, 1.0, -1.0, 0.5, -0.7, 3.0])


@pytest.mark.backend
@settings(deadline=None, max_examples=25)
@given(st.sampled_from(ALL), sizes, scales, st.data())
def test_the_grid_bit_for_bit(quantizer, shape, scale, data):
    """In training and merged: codes times scale, and no value more than the quantizer says."""
    rows, columns = shape
    drawn = data.draw(st.lists(values, min_size=rows * columns, max_size=rows * columns))
    kernel = (scale * np.array(drawn)).astype("float32").reshape(rows, columns)
    moved = data.draw(st.booleans())
    variables = started(quantizer, kernel, seed=3 if moved else None)
    codes, exact = quantizer.codes_and_scale(kernel, variables)
    assert codes.dtype == np.int8 and exact.dtype == np.float64 and (exact >= 0).all()
    merged = (codes * exact).astype("float32")
    found = on_grid(quantizer, kernel, variables)
    assert np.isfinite(found).all()
    np.testing.assert_allclose(found, merged, rtol=1e-6, atol=1e-37)
    for column in range(columns):
        for each_kernel in (found, merged):
            assert len(np.unique(each_kernel[:, column])) <= quantizer.levels
        # One value for each code, so that the file can hold the code.
        pairs = {*zip(codes[:, column].tolist(), found[:, column].tolist(), strict=True)}
        assert len(pairs) == len(np.unique(codes[:, column]))
    if quantizer in TERNARY:
        assert set(np.unique(codes)) <= {-1, 0, 1}


@pytest.mark.backend
@pytest.mark.parametrize("quantizer", [SoftThresholdTernary(), SHIFTED, Integer(4)], ids=repr)
def test_compiled_it_is_on_the_same_grid(quantizer):
    """XLA may fuse and reorder; the value is the product of code and scale all the same."""
    kernel = draw((64, 16))
    variables = started(quantizer, kernel)
    names = list(variables)

    def call(kernel, *own):
        return quantizer(kernel, dict(zip(names, own, strict=True)))

    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        compiled = tf.function(call, jit_compile=True)
    else:
        import jax

        compiled = jax.jit(call)
    found = ops.convert_to_numpy(compiled(kernel, *variables.values()))
    assert max(len(np.unique(channel)) for channel in found.T) <= quantizer.levels
    np.testing.assert_allclose(found, on_grid(quantizer, kernel, variables), rtol=1e-6)


# Options, names, files

quantizers = st.one_of(
    st.sampled_from([Ternary(), SoftThresholdTernary(), ScaledSign()]),
    st.builds(DualLearnableTernary, shift=st.sampled_from([None, True, False])),
    st.builds(Integer, st.integers(2, 8)),
)


@settings(deadline=None, max_examples=10)
@given(quantizers)
def test_options_survive_saving(quantizer):
    config = keras.saving.serialize_keras_object(quantizer)
    assert kr.quantizers.get(config) == quantizer
    layer = kr.layers.HRFDense(2, kernel_quantizer=quantizer)
    assert type(layer).from_config(layer.get_config()).kernel_quantizer == quantizer


@pytest.mark.parametrize("unknown", ["quaternary", None, 8, keras.quantizers.AbsMaxQuantizer()])
def test_an_unknown_quantizer_is_named(unknown):
    with pytest.raises(ValueError, match=r"must be one of `keras_reparam.quantizers`.*Received: "):
        kr.quantizers.get(unknown)


def test_options_out_of_range():
    for bits in (1, 9, 4.0, True):
        with pytest.raises(ValueError, match=r"`bits` must be an integer from 2 to 8.*Received"):
            Integer(bits)
    with pytest.raises(ValueError, match=r"`shift` must be.*Received: shift='yes'"):
        DualLearnableTernary(shift="yes")
    with pytest.raises(ValueError, match=r"A chain .*Received: kernel_quantizer='ternary'"):
        kr.HRF(folded=False, kernel_quantizer="ternary")
