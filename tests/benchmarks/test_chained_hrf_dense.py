import keras
import numpy as np
import pytest

from keras_reparam.benchmarks.chained_hrf_dense import ChainedHRFDense, chain
from keras_reparam.layers import HRFConv1D, HRFDense


@pytest.mark.parametrize("hrf_bias", [False, True])
@pytest.mark.parametrize("use_bias", [False, True])
@pytest.mark.parametrize("factors", [2, 3])
def test_chain_is_a_chain_of_dense_layers(factors, use_bias, hrf_bias):
    layer = ChainedHRFDense(
        5, expansion=2, factors=factors, use_bias=use_bias, hrf_bias=hrf_bias, activation="relu"
    )
    x = np.random.default_rng(0).normal(size=(2, 7, 3)).astype("float32")
    layer(x)
    for weight in layer.weights:
        weight.assign(keras.random.normal(weight.shape))
    named = {weight.name: weight for weight in layer.weights}
    dense = []
    for i in range(1, factors + 1):
        bias = named.get("bias" if i == factors else f"factor_bias_{i}")
        kernel = named[f"factor_{i}"]
        dense.append(keras.layers.Dense(kernel.shape[-1], use_bias=bias is not None))
        dense[-1].build((None, kernel.shape[0]))
        dense[-1].kernel.assign(kernel)
        if bias is not None:
            dense[-1].bias.assign(keras.ops.reshape(bias, (-1,)))
    plain = keras.Sequential([*dense, keras.layers.ReLU()])
    np.testing.assert_allclose(layer(x), plain(x), rtol=1e-5, atol=1e-5)


def test_chain_replaces_every_hrf_dense_and_keeps_the_function():
    inputs = keras.Input((4, 6))
    x = HRFDense(8, activation="relu")(inputs)
    x = keras.Sequential([HRFDense(6)])(x)
    model = keras.Model(inputs, keras.layers.Dense(3)(x))
    data = np.random.default_rng(1).normal(size=(2, 4, 6)).astype("float32")
    before = model.predict_on_batch(data)
    chain(model)
    kinds = [type(layer) for layer in model._flatten_layers(include_self=False)]
    assert kinds.count(ChainedHRFDense) == 2
    assert HRFDense not in kinds
    model.predict_function = None
    np.testing.assert_allclose(model.predict_on_batch(data), before, rtol=1e-5, atol=1e-5)


def test_what_can_not_be_chained_is_said_before_anything_is_changed():
    constrained = HRFDense(4, kernel_constraint="non_neg")
    for other, message in ((HRFConv1D(4, 1), "Only Dense layers"), (constrained, "constrained")):
        model = keras.Sequential([keras.Input((5, 3)), HRFDense(3), other])
        with pytest.raises(ValueError, match=message):
            chain(model)
        assert not any(isinstance(layer, ChainedHRFDense) for layer in model.layers)
