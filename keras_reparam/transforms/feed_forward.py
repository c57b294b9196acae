"""Finds the first linear layers of a model's feed-forward networks."""

import functools
from typing import Any

import keras

from keras_reparam import _keras
from keras_reparam.transforms.linear_layers import matrix_size, walk
from keras_reparam.transforms.model_input import OPEN_AXIS, input_spec, specs_of_build
from keras_reparam.transforms.tracing import (
    call_symbolically,
    is_composite,
    linear_calls,
    linear_layer_of,
    opened,
)

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
    with opened(model):
        outputs = call_symbolically(model, lambda: input_spec(model))
        first, reached = _search(outputs, _projections(model))
        for _, layer in walk(model):
            if is_composite(layer) and not reached.intersection(map(id, layer._layers)):
                # Something around it was written for real tensors only: looked at by itself.
                specs = functools.partial(specs_of_build, layer, layer.input_dtype, OPEN_AXIS[0])
                inner_first, inner_reached = _search(
                    call_symbolically(layer, specs), _projections(layer)
                )
                first, reached = first | inner_first, reached | inner_reached
        return first, reached


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
    for layer, node in linear_calls(outputs):
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
        layer = linear_layer_of(node.operation)
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
