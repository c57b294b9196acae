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


def weights(optimizer, shapes=SHAPES, steps=4, without=None, **options):
    """What became of some weights; number `without` has no gradient."""
    rng = np.random.default_rng(0)
    found = [keras.Variable(np.asarray(rng.normal(size=shape), "float32")) for shape in shapes]
    found[0].constraint = options.get("constraint")
    optimizer.build(found)
    for _ in range(steps):
        grads = [keras.ops.array(rng.normal(size=shape), "float32") for shape in shapes]
        pairs = [
            (None if number == without else grad, weight)
            for number, (grad, weight) in enumerate(zip(grads, found, strict=True))
        ]
        if without is None:
            optimizer.apply(grads)
        else:
            optimizer.apply([grad for grad, _ in pairs], found)
    return [keras.ops.convert_to_numpy(weight) for weight in found]


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
    for about in ({}, {"constraint": keras.constraints.NonNeg()}):
        found = weights(joined(learning_rate=rate, **options), **about)
        expected = weights(single(learning_rate=rate, **options), **about)
        for one, other in zip(found, expected, strict=True):
            assert one.shape == other.shape
            np.testing.assert_allclose(one, other, rtol=1e-6, atol=1e-7)


@pytest.mark.filterwarnings("ignore:Gradients do not exist")
def test_a_weight_without_gradient_stays_as_it_is():
    about = {"learning_rate": 0.1, "weight_decay": 0.1}
    found = weights(AdamW(**about), without=1)
    expected = weights(keras.optimizers.AdamW(**about), without=1)
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-6, atol=1e-7)
