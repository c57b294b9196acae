"""What the tests of the three HRF layers share."""

import keras
import numpy as np

from keras_reparam.layers import HRFConv1D, HRFDense, HRFEinsumDense

# (HRF class, plain class, positional arguments, options, input shape)
CASES = {
    "dense": (HRFDense, keras.layers.Dense, (6,), {"activation": "gelu"}, (4, 5, 3)),
    "dense 2d": (HRFDense, keras.layers.Dense, (2,), {}, (4, 7)),
    "conv": (HRFConv1D, keras.layers.Conv1D, (6, 3), {"padding": "same", "strides": 2}, (4, 9, 4)),
    "conv causal": (
        HRFConv1D,
        keras.layers.Conv1D,
        (4, 3),
        {"padding": "causal", "dilation_rate": 2, "activation": "relu"},
        (4, 9, 3),
    ),
    "conv groups": (HRFConv1D, keras.layers.Conv1D, (6, 2), {"groups": 2}, (4, 9, 4)),
    "einsum": (
        HRFEinsumDense,
        keras.layers.EinsumDense,
        ("abc,cde->abde", (None, 2, 4)),
        {"bias_axes": "de", "activation": "tanh"},
        (4, 5, 3),
    ),
    "einsum ellipsis": (
        HRFEinsumDense,
        keras.layers.EinsumDense,
        ("...x,xy->...y", 6),
        {"bias_axes": "y"},
        (4, 5, 3),
    ),
    "einsum transposed": (
        HRFEinsumDense,
        keras.layers.EinsumDense,
        ("abc,dce->aebd", (4, None, 2)),
        {"bias_axes": "de"},
        (4, 5, 3),
    ),
    "einsum two summed": (
        HRFEinsumDense,
        keras.layers.EinsumDense,
        ("abcd,cde->abe", (None, 6)),
        {"bias_axes": "e"},
        (4, 5, 2, 3),
    ),
}

TOLERANCE = {"float32": 1e-5, "mixed_float16": 2e-3, "mixed_bfloat16": 2e-2}


def make(case, **options):
    cls, _, args, fixed, shape = CASES[case]
    return cls(*args, **{**fixed, **options}), random(shape)


def make_plain(case, **options):
    _, cls, args, fixed, _ = CASES[case]
    return cls(*args, **{**fixed, **options})


def random(shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape).astype("float32")


def scramble(layer, seed=1):
    """Weights that are nowhere special: also the biases, which start at zero."""
    rng = np.random.default_rng(seed)
    for variable in layer.weights:
        if "float" in str(variable.dtype):
            variable.assign(variable + 0.3 * rng.standard_normal(variable.shape))


def numpy(tensor):
    return np.asarray(keras.ops.convert_to_numpy(tensor)).astype("float64")


def difference(first, second):
    first, second = numpy(first), numpy(second)
    return np.abs(first - second).max() / np.abs(first).max()


def gradients(loss, model, x):
    """Gradients of `loss(x)` for the model's trainable weights, on either backend."""
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        with tf.GradientTape() as tape:
            value = loss(x)
        found = tape.gradient(value, [v.value for v in model.trainable_weights])
    else:
        import jax

        def stateless(values):
            scope = keras.StatelessScope(
                state_mapping=list(zip(model.trainable_weights, values, strict=True))
            )
            with scope:
                return loss(x)

        found = jax.grad(stateless)([v.value for v in model.trainable_weights])
    return [numpy(gradient) for gradient in found]
