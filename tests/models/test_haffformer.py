"""HAFFormer against loops in NumPy, its cost, and bad input."""

import keras
import numpy as np
import pytest

import keras_reparam as kr
from keras_reparam.models import HAFFormer
from keras_reparam.models.haffformer_block import HAFFormerBlock

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


def test_its_function_is_the_reference(reference, randomized):
    model = randomized(small())
    x = RNG.standard_normal((3, 29, 10)).astype("float32")
    mask = np.arange(29)[None] < np.array([[29], [14], [1]])
    logits = np.array(model(x, mask=mask))
    for clip, valid, y in zip(x, mask, logits, strict=True):
        np.testing.assert_allclose(y, reference.haffformer(model, clip, valid), atol=2e-5)
    expected = reference.haffformer(model, x[0], np.ones(29, bool))
    np.testing.assert_allclose(np.array(model(x))[0], expected, atol=2e-5)


def test_hrf_sites_are_both_input_projections():
    expanded = kr.models.create("haffformer", **SMALL, expansion=2)
    hrf = [x for x in expanded._flatten_layers() if isinstance(x, kr.layers.HRFDense)]
    blocks = [x for x in expanded._flatten_layers() if isinstance(x, HAFFormerBlock)]
    assert len(blocks) == 4
    assert set(map(id, hrf)) == {id(x) for block in blocks for x in (block.gate, block.value)}
    assert len(hrf) == 8


def test_mixes_no_further_than_its_kernels():
    block = HAFFormerBlock(4, feed_forward_units=6, kernel_sizes=(3, 7))
    x = RNG.standard_normal((1, 20, 4)).astype("float32")
    changed = x.copy()
    changed[0, 9] += RNG.standard_normal(4)
    differs = np.abs(np.array(block(changed)) - np.array(block(x))).max(axis=(0, 2)) > 1e-6
    np.testing.assert_array_equal(np.flatnonzero(differs), np.arange(6, 13))


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="converts in TensorFlow")
def test_cost_is_linear_in_time():
    """Of every activation in the graph: twice the frames, twice the values."""
    from keras_reparam.deploy.convert import convert
    from keras_reparam.deploy.tflite_graph import TFLiteGraph

    def values(frames):
        graph = TFLiteGraph(convert(small(frames=frames, num_layers=(1, 1, 1))))
        made = [graph.tensors[i].values for x in graph.operators for i in x.outputs]
        return sum(made), max(made)

    # 5 s, 50 s, and 10 minutes.
    (few, widest), *longer = (values(frames) for frames in (500, 5_000, 60_000))
    for (made, wide), times in zip(longer, (10, 120), strict=True):
        assert made == pytest.approx(times * few, rel=0.02)
        assert wide == times * widest


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
