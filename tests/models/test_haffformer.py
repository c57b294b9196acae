"""HAFFormer against loops in NumPy, its cost, and bad input."""

import json

import keras
import numpy as np
import pytest

from keras_reparam.models import HAFFormer
from keras_reparam.models.haffformer_block import HAFFormerBlock
from tests.models.helpers import call, check_scores_vary

SMALL = {
    "num_classes": 3,
    "num_mels": 10,
    "units": (6, 8, 8),
    "num_layers": (2, 1, 1),
    "kernel_sizes": (3, 7),
    "merge_scales": (4, 3, 2),
}
RNG = np.random.default_rng(8)


def small(**options):
    return HAFFormer(**{**SMALL, **options})


@pytest.mark.backend
def test_its_function_is_the_reference(reference, randomized, sharpened):
    x = RNG.standard_normal((3, 29, 10)) + 2 * RNG.standard_normal((3, 1, 10))
    x = x.astype("float32")
    model = sharpened(randomized(small()), x)
    mask = np.arange(29)[None] < np.array([[29], [14], [1]])
    pairs = zip(x, mask, strict=True)
    expected = [reference.haffformer(model, clip, valid) for clip, valid in pairs]
    check_scores_vary(expected)
    np.testing.assert_allclose(call(model, x, mask), expected, atol=2e-5)


@pytest.mark.backend
def test_mixes_no_further_than_its_kernels():
    block = HAFFormerBlock(4, feed_forward_units=6, kernel_sizes=(3, 7))
    x = RNG.standard_normal((1, 20, 4)).astype("float32")
    changed = x.copy()
    changed[0, 9] += RNG.standard_normal(4)
    differs = np.abs(np.array(block(changed)) - np.array(block(x))).max(axis=(0, 2)) > 1e-6
    np.testing.assert_array_equal(np.flatnonzero(differs), np.arange(6, 13))


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="converts in TensorFlow")
@pytest.mark.slow
def test_cost_is_linear_in_time():
    """Multiply-adds, values of all activations, and the largest activation, exactly."""
    from keras_reparam.deploy.conversion.convert import convert
    from keras_reparam.deploy.tflite.tflite_graph import TFLiteGraph

    def cost(frames):
        model = small(frames=frames, num_layers=(1, 1, 1), kernel_sizes=(3,))
        graph = TFLiteGraph(convert(model, (frames, 10)).content)
        made = [graph.tensors[i].values for x in graph.operators for i in x.outputs]
        return np.array([graph.macs, sum(made), max(made)])

    # 5, 10 and 50 s, in whole merge blocks; the classifier's cost is none of them.
    first, second, third = (cost(frames) for frames in (504, 1_008, 5_040))
    np.testing.assert_array_equal(third - first, 9 * (second - first))
    assert first[2] * 10 == third[2]


# Peak memory is the process's, so that each length needs one of its own.
SCORES = """
import json, resource, sys, time
import keras
import numpy as np
import keras_reparam as kr
keras.utils.set_random_seed(0)
model = kr.models.create("haffformer", num_classes=4, frames=None)
seconds, before = {}, None
for frames in map(int, sys.argv[1:]):
    features = np.random.default_rng(0).standard_normal((1, frames, 64)).astype("float32")
    model(features)
    before = before or resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    start = time.perf_counter()
    logits = np.array(model(features))
    seconds[frames] = time.perf_counter() - start
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
print(json.dumps([seconds, peak / 1024, np.isfinite(logits).all().item()]))
"""


@pytest.mark.slow
@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="measures TensorFlow")
def test_ten_minutes_in_bounded_memory(run_python):
    child = run_python("-c", SCORES, 500, 60_000)
    seconds, megabytes, finite = json.loads(child.stdout)
    assert finite
    assert megabytes < 500
    # 120 times the frames; caches and fixed costs leave some room.
    assert seconds["60000"] < 300 * seconds["500"]


@pytest.mark.parametrize(
    "options",
    [
        {"num_classes": 0},
        {"num_mels": -1},
        {"frames": 0},
        {"units": 8},
        {"units": (8, 8)},
        {"units": (8, 8, 0)},
        {"num_layers": (1, 1, 1, 1)},
        {"feed_forward_ratio": 1.5},
        {"kernel_sizes": ()},
        {"kernel_sizes": (3, 4)},
        {"kernel_sizes": (3, 3)},
        {"merge_scales": (0, 5, 4)},
        {"dropout": -0.1},
    ],
    ids=str,
)
def test_bad_options(options):
    with pytest.raises(ValueError, match="Received: "):
        small(**options)
