"""`LinearFlow`: where the linear layers of a model stand on the way from input to output."""

import dataclasses
from typing import Any

import keras

from keras_reparam import _keras
from keras_reparam.transforms.linear_layers import walk
from keras_reparam.transforms.model_input import input_spec
from keras_reparam.transforms.tracing import (
    call_symbolically,
    linear_layer_of,
    nodes_before,
    opened,
)

# What keeps the mean over a frame's values where a LayerNorm has put it.
_NEUTRAL = (
    keras.layers.Dropout,
    keras.layers.SpatialDropout1D,
    keras.layers.Identity,
    keras.layers.ActivityRegularization,
)


@dataclasses.dataclass(frozen=True)
class LinearFlow:
    """What a trace of a model says of its linear layers, as sets of `id(layer)`.

    Attributes:
        reached: Those that were seen at all.
        first: Those that no other linear layer stands before: the first projection.
        last: Those that no other linear layer stands after: the classifier.
        with_mean: Those whose input does not always come straight from a LayerNorm.
    """

    reached: frozenset[int]
    first: frozenset[int]
    last: frozenset[int]
    with_mean: frozenset[int]

    @classmethod
    def of(cls, model: keras.Model) -> "LinearFlow":
        """Traces a built model; its graph, weights and states are left as they are."""
        with opened(model):
            nodes = nodes_before(call_symbolically(model, lambda: input_spec(model)))
            return cls._of_nodes(nodes)

    @classmethod
    def _of_nodes(cls, nodes: list[Any]) -> "LinearFlow":
        calls = {id(x): linear_layer_of(x.operation) for x in nodes if x.input_tensors}
        linear = {node: layer for node, layer in calls.items() if layer is not None}
        # Nodes with a linear layer among what they are computed from, and what is from them.
        after: set[int] = set()
        before: set[int] = set()
        for node in nodes:
            if any(id(x) in after or id(x) in linear for x in _inputs(node)):
                after.add(id(node))
        for node in reversed(nodes):
            if id(node) in before or id(node) in linear:
                before |= {id(x) for x in _inputs(node)}
        with_mean = [x for x in nodes if id(x) in linear and not _is_normalized(x.input_tensors[0])]
        return cls(
            reached=frozenset(map(id, linear.values())),
            first=frozenset(id(layer) for node, layer in linear.items() if node not in after),
            last=frozenset(id(layer) for node, layer in linear.items() if node not in before),
            with_mean=frozenset(id(linear[id(node)]) for node in with_mean),
        )


def between(model: keras.Model, flow: LinearFlow) -> list[keras.layers.Layer]:
    """The linear layers but the first projection and the classifier, in the model's order.

    Layers that the trace did not reach are left out: one that is applied to constants, say, whose
    kernel no file has. Of a model that cannot be traced at all, those but the first and the last
    that it lists.
    """
    layers = [layer for _, layer in walk(model)]
    if flow.reached:
        inner = flow.reached - flow.first - flow.last
        return [layer for layer in layers if id(layer) in inner]
    return [layer for layer in layers if linear_layer_of(layer) is layer][1:-1]


def _inputs(node: Any) -> list[Any]:
    nodes = (_keras.node_of(tensor) for tensor in node.input_tensors)
    return [node for node in nodes if node is not None]


def _is_normalized(tensor: Any) -> bool:
    """Whether the mean over the last axis of a tensor is that of a LayerNorm's offsets."""
    node = _keras.node_of(tensor)
    while node is not None and isinstance(node.operation, _NEUTRAL):
        node = _keras.node_of(node.input_tensors[0])
    norm: Any = None if node is None else node.operation
    if not isinstance(norm, keras.layers.LayerNormalization) or norm.rms_scaling:
        return False
    rank, axis = len(tensor.shape), vars(norm)["axis"]
    axes = [axis] if isinstance(axis, int) else [*axis]
    return [axis % rank for axis in axes] == [rank - 1]
