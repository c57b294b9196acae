"""A model's graph of single operations, also inside subclassed models and composite layers.

The model is called on symbolic tensors with every composite layer opened. Nothing is computed, and
what the call would change (counters, seed generators, losses) is left as it was.
"""

import contextlib
from collections.abc import Iterator
from typing import Any

import keras

from keras_reparam import _keras
from keras_reparam.transforms.linear_layers import LINEAR_CLASSES, LOCK, is_pointwise, walk


@contextlib.contextmanager
def opened(model: keras.Model) -> Iterator[None]:
    """While open, composite layers called on symbolic tensors show their own operations."""
    layers = [model, *(layer for _, layer in walk(model))]
    composite = [layer for layer in layers if is_composite(layer)]
    # Layers that showed their operations, until Keras asks whether their outputs are theirs.
    shown: set[int] = set()

    def claims(layer: Any) -> bool:
        unseen = id(layer) not in shown
        shown.discard(id(layer))
        return unseen

    with (
        LOCK,
        keras.StatelessScope(),
        _keras.calls_forgotten(layers),
        _keras.nodes_of_layers_that(claims),
    ):
        for layer in composite:
            object.__setattr__(layer, "symbolic_call", _showing_call(layer, shown))
        try:
            yield
        finally:
            for layer in composite:
                object.__delattr__(layer, "symbolic_call")


def is_composite(layer: keras.layers.Layer) -> bool:
    """Whether a layer is made of others that are worth looking at."""
    if linear_layer_of(layer) is not None or isinstance(layer, keras.layers.RNN):
        return False
    return bool(layer._flatten_layers(include_self=False, recursive=False))


def _showing_call(layer: keras.layers.Layer, shown: set[int]) -> Any:
    def symbolic_call(*args: Any, **kwargs: Any) -> Any:
        try:
            outputs = layer.call(*args, **kwargs)
        except Exception:
            # Written for real tensors only: seen from outside.
            shown.discard(id(layer))
            return _output_from_outside(layer, args, kwargs)
        shown.add(id(layer))
        return outputs

    return symbolic_call


def _output_from_outside(layer: keras.layers.Layer, args: Any, kwargs: Any) -> Any:
    try:
        return layer.compute_output_spec(*args, **kwargs)
    except Exception:
        # Some attention layers cannot tell their output's shape; it is that of their query. A
        # wrong guess can only hide FFNs behind it, which the summary then says.
        first = next(x for x in keras.tree.flatten((args, kwargs)) if _is_symbolic(x))
        return keras.KerasTensor(first.shape, first.dtype)


def _is_symbolic(x: Any) -> bool:
    return isinstance(x, keras.KerasTensor)


def call_symbolically(layer: keras.layers.Layer, specs: Any) -> list[Any]:
    """The symbolic outputs of a layer; none if it cannot be called on symbolic tensors."""
    try:
        outputs = layer(*specs())
    except Exception:
        return []
    return [x for x in keras.tree.flatten(outputs) if _is_symbolic(x)]


def linear_layer_of(operation: Any) -> keras.layers.Layer | None:
    """The linear layer that an operation applies, if it is one."""
    if isinstance(operation, keras.layers.TimeDistributed):
        operation = operation.layer
    if isinstance(operation, keras.layers.Conv1D):
        return operation if is_pointwise(operation) else None
    return operation if isinstance(operation, LINEAR_CLASSES) else None


def linear_calls(outputs: list[Any]) -> list[tuple[keras.layers.Layer, Any]]:
    """Every call of a linear layer, in the order of computation, with its node."""
    calls = [(linear_layer_of(node.operation), node) for node in nodes_before(outputs)]
    return [(layer, node) for layer, node in calls if layer is not None and node.input_tensors]


def nodes_before(outputs: list[Any]) -> list[Any]:
    """The nodes that the outputs were computed by, each after those of its inputs."""
    nodes: list[Any] = []
    done: set[int] = set()
    stack = [(_keras.node_of(tensor), False) for tensor in reversed(outputs)]
    while stack:
        node, inputs_done = stack.pop()
        if node is None or (id(node) in done and not inputs_done):
            continue
        if inputs_done:
            nodes.append(node)
            continue
        done.add(id(node))
        stack.append((node, True))
        stack += [(_keras.node_of(x), False) for x in reversed(node.input_tensors)]
    return nodes
