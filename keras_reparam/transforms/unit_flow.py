"""Which units of a Dense layer lead into another Dense layer and nowhere else."""

import collections
import dataclasses
import math
from typing import Any

import keras

from keras_reparam import _keras
from keras_reparam.transforms.model_input import input_spec
from keras_reparam.transforms.tracing import (
    call_symbolically,
    linear_layer_of,
    nodes_before,
    opened,
)

# Lower-case names, without underscores, of what computes every value by itself alone.
_ACTIVATIONS = """
    celu elu exponential gelu hardsigmoid hardsilu hardswish hardtanh leakyrelu linear logsigmoid
    mish relu relu6 selu sigmoid silu softplus softsign sparseplus squareplus swish tanh
"""
_NEUTRAL = """
    abs activityregularization alphadropout cast converttotensor dropout gaussiandropout
    gaussiannoise identity negative spatialdropout1d sqrt square
"""
_BY_THEMSELVES = {*_ACTIVATIONS.split(), *_NEUTRAL.split()}


@dataclasses.dataclass(frozen=True)
class Way:
    """How a linear layer of a model is reached.

    Attributes:
        source: The Dense layer whose units lead into it and nowhere else; or `None`.
        obstacle: Why there is none.
        positions: At how many positions of an example the layer is applied.
        calls: How often the layer is called.
    """

    source: keras.layers.Layer | None
    obstacle: str
    positions: int
    calls: int


def ways_of(model: keras.Model) -> dict[int, Way]:
    """The ways to the linear layers of a model by `id(layer)`; only those that a trace reaches."""
    with opened(model):
        outputs = call_symbolically(model, lambda: input_spec(model))
        nodes = nodes_before(outputs)
        uses = collections.Counter(id(x) for x in outputs)
        uses.update(id(x) for node in nodes for x in node.input_tensors)
        linear = [(linear_layer_of(node.operation), node) for node in nodes if node.input_tensors]
        calls = collections.Counter(id(layer) for layer, _ in linear if layer is not None)
        ways = {}
        for layer, node in linear:
            if layer is None:
                continue
            inputs = node.input_tensors[0]
            source, obstacle = _source(inputs, uses, calls)
            if calls[id(layer)] > 1:
                source, obstacle = None, "it is called more than once"
            positions = math.prod(size or 1 for size in inputs.shape[1:-1])
            ways[id(layer)] = Way(source, obstacle, positions, calls[id(layer)])
        return ways


def _source(
    tensor: Any, uses: collections.Counter, calls: collections.Counter
) -> tuple[keras.layers.Layer | None, str]:
    """The Dense layer that a tensor's last axis is of, value by value; or why there is none."""
    while True:
        if uses[id(tensor)] > 1:
            return None, "what leads into it leads elsewhere, too"
        node = _keras.node_of(tensor)
        if node is None or node.is_input:
            return None, "its inputs are those of the model"
        layer = linear_layer_of(node.operation)
        if layer is not None:
            return _dense(layer, node.operation, calls)
        operation = node.operation
        if not _is_by_itself(operation) or len(node.input_tensors) != 1:
            return None, f"its inputs are mixed by '{operation.name}' on their way to it"
        tensor = node.input_tensors[0]


def _dense(
    layer: Any, operation: Any, calls: collections.Counter
) -> tuple[keras.layers.Layer | None, str]:
    name = layer.name
    if operation is not layer or not isinstance(layer, keras.layers.Dense):
        return None, f"the layer '{name}' before it is no Dense layer"
    if calls[id(layer)] > 1:
        return None, f"the layer '{name}' before it is called more than once"
    if not _is_known(layer.activation):
        return None, f"the activation of '{name}' before it may mix units"
    return layer, ""


def _is_by_itself(operation: Any) -> bool:
    if isinstance(operation, keras.layers.Activation):
        return _is_known(operation.activation)
    return _plain(type(operation).__name__) in _BY_THEMSELVES


def _is_known(activation: Any) -> bool:
    if isinstance(activation, keras.layers.Layer):
        return _is_by_itself(activation)
    known = getattr(keras.activations, getattr(activation, "__name__", ""), None)
    return activation is None or (
        activation is known and _plain(activation.__name__) in _ACTIVATIONS.split()
    )


def _plain(name: str) -> str:
    return name.lower().replace("_", "")
