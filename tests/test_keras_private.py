"""Each private name of Keras that the package uses, with what to do where one is gone."""

import re
from pathlib import Path

import keras
import numpy as np
import pytest

from keras_reparam import _keras

ROOT = Path(__file__).resolve().parents[1]
# What is private in Keras and not in Python's sense of `self._name`.
PRIVATE = re.compile(
    r"keras\.src|\._(tracker|untrack_variable|inbound_nodes|outbound_nodes|keras_history"
    r"|keras_mask|loss_ids|losses|compile_config)\b"
)
MEND = "Keras {} has no {!r}: mend keras_reparam/_keras.py, or bound Keras in setup.py below it"


@pytest.fixture
def layer():
    layer = keras.layers.Dense(3)
    layer.build((None, 2))
    return layer


@pytest.mark.parametrize(
    "name",
    [
        *("_tracker", "_untrack_variable", "_inbound_nodes", "_outbound_nodes", "_losses"),
        *("_loss_ids", "_kernel", "_flatten_layers", "_trainable", "_trainable_variables"),
    ],
)
def test_a_layer_has(layer, name):
    assert hasattr(layer, name), MEND.format(keras.__version__, name)


def test_a_tracker_is_locked_once_a_layer_is_built(layer):
    assert layer._tracker.locked, MEND.format(keras.__version__, "_tracker.locked")
    with _keras.unlocked(layer):
        layer.add_weight(name="more", shape=())
    with pytest.raises(ValueError, match="cannot add"):
        layer.add_weight(name="too late", shape=())


def test_a_kernel_is_taken_out_of_a_layer():
    for layer, shape in (
        (keras.layers.Dense(3), (None, 2)),
        (keras.layers.DepthwiseConv1D(3, use_bias=False), (None, 9, 2)),
    ):
        layer.build(shape)
        kernel, bias = _keras.take_kernel_and_bias(layer)
        assert kernel.name == "kernel" and (bias is None) == (not layer.use_bias)
        assert not layer.weights


def test_the_graph_of_single_operations_is_seen():
    x = keras.Input((2,))
    y = keras.ops.relu(x)
    node = _keras.node_of(y)
    assert type(node.operation).__name__ == "Relu" and node.input_tensors[0] is x
    assert _keras.node_of(x).is_input


def test_calls_are_forgotten(layer):
    layer.activity_regularizer = keras.regularizers.L2(1.0)
    layer(np.ones((1, 2), "float32"))
    before = len(layer.losses)
    with _keras.calls_forgotten([layer]):
        layer(keras.Input((2,)))
    assert not layer._inbound_nodes and len(layer.losses) == before


def test_nothing_private_is_used_elsewhere():
    """`../shared`'s bar is two files; one is enough."""
    used = {
        str(path.relative_to(ROOT))
        for folder in ("keras_reparam", "recipes")
        for path in (ROOT / folder).rglob("*.py")
        if path.name != "_keras.py" and PRIVATE.search(path.read_text(encoding="utf-8"))
    }
    assert not used, f"{used}: use or extend keras_reparam/_keras.py"
