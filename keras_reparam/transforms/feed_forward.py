"""Finds the first linear layers of a model's feed-forward networks.

The model is called on symbolic tensors with every composite layer opened, so that the graph of
single operations is seen, also inside subclassed models. Nothing is computed, and what the call
would change (counters, seed generators, losses) is left as it was.
"""

import contextlib
import functools
from collections.abc import Iterator
from typing import Any

import keras

from keras_reparam import _keras
from keras_reparam.transforms.linear_layers import (
    LINEAR_CLASSES,
    LOCK,
    is_pointwise,
    matrix_size,
    walk,
)
from keras_reparam.transforms.model_input import OPEN_AXIS, input_spec, specs_of_build

# Lower-case class names, without underscores, of what may stand between the two linear layers of
# an FFN: activations, dropout, and what a gated FFN needs to split and multiply its halves.
_ACTIVATIONS = """
    activation celu clip elu erf exponential gelu glu hardsigmoid hardsilu hardswish hardtanh
    leakyrelu logsigmoid maximum minimum mish prelu relu relu6 selu sigmoid silu softplus softsign
    sparseplus square squareplus swish tanh where
"""
_GATES = "multiply"
_NEUTRAL = """
    activityregularization alphadropout cast dropout gaussiandropout gaussiannoise getitem greater
    greaterequal identity less lessequal masking negative spatialdropout1d split
"""
# Parts of activations written by hand: with a constant, or between branches of one linear layer.
_ARITHMETIC = "add divide power subtract truedivide"
_NONLINEAR = {*_ACTIVATIONS.split(), *_GATES.split()}
_NOT_HIDDEN = ("softmax", "log_softmax", "sparsemax")
_ATTENTION = (keras.layers.MultiHeadAttention, keras.layers.GroupQueryAttention)


def first_linear_layers(model: keras.Model) -> tuple[set[int], set[int]]:
    """The ids of the first linear layers of FFNs, and of the layers that were traced.

    A first one is a linear layer `d -> f` whose output reaches, through a nonlinearity or a gate,
    and dropout, alone, a linear layer `f -> d`. Projections of attention layers, softmax
    classifiers and layers whose output the model returns are never first ones.

    Args:
        model: A built model. Its graph, weights and states are left as they are.

    Returns:
        Two sets of `id(layer)`. A linear layer that is not in the second one stands in a layer
        that cannot be called on symbolic tensors, or is never called.
    """
    with _opened(model):
        outputs = _call(model, lambda: input_spec(model))
        first, reached = _search(outputs, _projections(model))
        for _, layer in walk(model):
            if _is_composite(layer) and not reached.intersection(map(id, layer._layers)):
                # Something around it was written for real tensors only: looked at by itself.
                specs = functools.partial(specs_of_build, layer, layer.input_dtype, OPEN_AXIS[0])
                inner_first, inner_reached = _search(_call(layer, specs), _projections(layer))
                first, reached = first | inner_first, reached | inner_reached
        return first, reached


@contextlib.contextmanager
def _opened(model: keras.Model) -> Iterator[None]:
    """While open, composite layers called on symbolic tensors show their own operations."""
    layers = [model, *(layer for _, layer in walk(model))]
    composite = [layer for layer in layers if _is_composite(layer)]
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


def _is_composite(layer: keras.layers.Layer) -> bool:
    if _linear(layer) is not None or isinstance(layer, keras.layers.RNN):
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


def _call(layer: keras.layers.Layer, specs: Any) -> list[Any]:
    """The symbolic outputs of a layer; none if it cannot be called on symbolic tensors."""
    try:
        outputs = layer(*specs())
    except Exception:
        return []
    return [x for x in keras.tree.flatten(outputs) if _is_symbolic(x)]


def _linear(operation: Any) -> keras.layers.Layer | None:
    """The linear layer that an operation applies, if it is one."""
    if isinstance(operation, keras.layers.TimeDistributed):
        operation = operation.layer
    if isinstance(operation, keras.layers.Conv1D):
        return operation if is_pointwise(operation) else None
    return operation if isinstance(operation, LINEAR_CLASSES) else None


def _projections(model: keras.layers.Layer) -> set[int]:
    """The ids of the linear layers of Keras's attention layers."""
    return {
        id(part)
        for _, layer in [("", model), *walk(model)]
        if isinstance(layer, _ATTENTION)
        for part in layer._flatten_layers(include_self=False)
    }


def _search(outputs: list[Any], never: set[int]) -> tuple[set[int], set[int]]:
    """Walks the graph back from the outputs and tests every linear layer as a second one."""
    first: set[int] = set()
    second: set[int] = set()
    reached: set[int] = set()
    returned = {id(tensor) for tensor in outputs}
    for layer, node in _linear_calls(outputs):
        reached.add(id(layer))
        sources = _sources(node.input_tensors[0], returned)
        # In a bare chain of linear layers a second one is not the first of the next pair.
        if sources and all(
            id(source) not in second | never and matrix_size(source)[0] == matrix_size(layer)[1]
            for source in sources
        ):
            second.add(id(layer))
            first |= {id(source) for source in sources}
    return first, reached


def _linear_calls(outputs: list[Any]) -> list[tuple[keras.layers.Layer, Any]]:
    """Every call of a linear layer, in the order of computation, with its node."""
    calls: list[tuple[keras.layers.Layer, Any]] = []
    done: set[int] = set()
    stack = [(_keras.node_of(tensor), False) for tensor in reversed(outputs)]
    while stack:
        node, inputs_done = stack.pop()
        if node is None or (id(node) in done and not inputs_done):
            continue
        if not inputs_done:
            done.add(id(node))
            stack.append((node, True))
            stack += [(_keras.node_of(x), False) for x in reversed(node.input_tensors)]
            continue
        layer = _linear(node.operation)
        if layer is not None and node.input_tensors:
            calls.append((layer, node))
    return calls


def _sources(tensor: Any, returned: set[int]) -> list[keras.layers.Layer]:
    """The linear layers that a tensor comes from through nothing but an FFN's middle.

    None if anything else has a part in it, or nothing in it is nonlinear.
    """
    sources: dict[int, keras.layers.Layer] = {}
    nonlinear = mixed = False
    stack, done = [tensor], set()
    while stack:
        tensor = stack.pop()
        node = _keras.node_of(tensor)
        if node is None or node.is_input:
            return []
        if id(node) in done:
            continue
        done.add(id(node))
        layer = _linear(node.operation)
        name = type(node.operation).__name__.lower().replace("_", "")
        if layer is not None:
            activation = getattr(layer.activation or keras.activations.linear, "__name__", "custom")
            if activation in _NOT_HIDDEN or id(tensor) in returned:
                return []
            nonlinear |= activation != "linear"
            sources[id(layer)] = layer
            continue
        if name in _NONLINEAR:
            nonlinear = True
        elif name in _ARITHMETIC.split():
            mixed |= len(node.input_tensors) > 1
        elif name not in _NEUTRAL.split():
            return []
        stack += node.input_tensors
    # A sum of two branches is a handwritten activation if both are of one linear layer.
    return list(sources.values()) if nonlinear and not (mixed and len(sources) > 1) else []
