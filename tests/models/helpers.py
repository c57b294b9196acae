"""What the tests of the backbones share, beside the fixtures."""

import functools

import keras
import numpy as np


def call(model, features, mask=None):
    """The model's output; on JAX compiled as a whole: operations alone take longer to compile."""
    if keras.backend.backend() == "jax":
        groups = model.trainable_variables, model.non_trainable_variables
        weights = [[variable.value for variable in group] for group in groups]
        return np.array(_compiled(model)(*weights, features, mask))
    return np.array(model(features, mask=mask))


@functools.cache
def _compiled(model):
    """Compiled once for each shape; weights are arguments, so that they may change."""
    import jax

    def output(trainable, others, features, mask):
        return model.stateless_call(trainable, others, features, mask=mask)[0]

    return jax.jit(output)


def softmax(x):
    e = np.exp(x - x.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def check_scores_vary(scores):
    """For the expected outputs `(clips, ...)`: those that are all alike pass any tolerance."""
    scores = np.asarray(scores).reshape(-1, np.shape(scores)[-1])
    assert scores.std(axis=0).min() >= 0.05
