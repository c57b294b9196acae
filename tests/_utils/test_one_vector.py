"""Moving all weights as one vector, against the optimisers of Keras that move them one by one."""

import keras
import numpy as np
import pytest

from keras_reparam._utils.one_vector import OneVector

SHAPES = (3, 4), (4,), (2, 3, 1), ()


class AdamW(OneVector, keras.optimizers.AdamW):
    pass


class SGD(OneVector, keras.optimizers.SGD):
    pass


def moved(optimizer, without=None, constraint=None):
    """What becomes of some weights in four steps; number `without` has no gradient."""
    rng = np.random.default_rng(0)
    weights = [keras.Variable(np.asarray(rng.normal(size=shape), "float32")) for shape in SHAPES]
    weights[0].constraint = constraint
    optimizer.build(weights)
    for _ in range(4):
        grads = [keras.ops.array(rng.normal(size=shape), "float32") for shape in SHAPES]
        found = [None if n == without else grad for n, grad in enumerate(grads)]
        optimizer.apply(found, weights)
    return [keras.ops.convert_to_numpy(weight) for weight in weights]


def assert_equal(found, expected):
    for one, other in zip(found, expected, strict=True):
        assert one.shape == other.shape
        np.testing.assert_allclose(one, other, rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize(
    ("joined", "single", "options"),
    [
        (AdamW, keras.optimizers.AdamW, {"clipnorm": 1.0, "weight_decay": 0.1}),
        (AdamW, keras.optimizers.AdamW, {"weight_decay": 0.0}),
        (SGD, keras.optimizers.SGD, {"clipnorm": 0.5, "weight_decay": 0.1, "momentum": 0.9}),
    ],
)
def test_what_keras_makes_of_weights_one_by_one(joined, single, options):
    rate = keras.optimizers.schedules.CosineDecay(0.0, 3, warmup_target=0.1, warmup_steps=2)
    for constraint in (None, keras.constraints.NonNeg()):
        optimizer = joined(learning_rate=rate, **options)
        found = moved(joined.from_config(optimizer.get_config()), constraint=constraint)
        assert_equal(found, moved(single(learning_rate=rate, **options), constraint=constraint))


@pytest.mark.filterwarnings("ignore:Gradients do not exist")
def test_a_weight_without_gradient_stays_as_it_is():
    about = {"learning_rate": 0.1, "weight_decay": 0.1}
    found = moved(AdamW(**about), without=1)
    assert_equal(found, moved(keras.optimizers.AdamW(**about), without=1))
