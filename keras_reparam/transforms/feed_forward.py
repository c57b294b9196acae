"""Finds the first linear layers of a model's feed-forward networks.

The model is called on symbolic tensors with every composite layer opened, so that the graph of
single operations is seen, also inside subclassed models. Nothing is computed.
"""

import contextlib
from collections.abc import Iterator
from typing import Any

import keras

from keras_reparam.transforms.linear_layers import PLAIN_CLASSES, matrix_size, walk
from keras_reparam.transforms.model_input import OPEN_AXIS, input_spec, specs_of_build

# Lower-case class names, without underscores, of what may stand between the two linear layers of
# an FFN: activations, dropout, and what a gated FFN needs to split and multiply its halves.
_ACTIVATIONS = """
    activation celu elu erf exponential gelu glu hardsigmoid hardsilu hardswish hardtanh leakyrelu
    logsigmoid mish negative prelu relu relu6 selu sigmoid silu softplus softsign square
    squareplus swish tanh
"""
_DROPOUTS = "alphadropout dropout gaussiandropout identity spatialdropout1d"
_GATES = "cast getitem multiply split"
_PASSED = {*_ACTIVATIONS.split(), *_DROPOUTS.split(), *_GATES.split()}
# These too, if the other operand is a constant, as in a hand-written activation.
_PASSED_WITH_CONSTANT = {"add", "subtract", "divide", "truedivide", "power"}


def first_linear_layers(model: keras.Model) -> tuple[set[int], set[int]]:
    """The ids of the linear layers `d -> f` whose output reaches, through activation, dropout
    and gating alone, a linear layer `f -> d`; and the ids of the layers that were traced.

    Args:
        model: A built model. Its graph and weights are left as they are.

    Returns:
        Two sets of `id(layer)`. A linear layer that is not in the second one stands in a layer
        that cannot be called on symbolic tensors.
    """
    with _opened(model) as inner_outputs:
        outputs = keras.tree.flatten(model(*input_spec(model)))
        first, reached = _search(outputs, inner_outputs)
        for _, layer in walk(model):
            if _is_composite(layer) and not reached.intersection(map(id, layer._layers)):
                # Something around it was written for real tensors only: looked at by itself.
                inner_first, inner_reached = _search(_call_alone(layer), inner_outputs)
                first, reached = first | inner_first, reached | inner_reached
        return first, reached


@contextlib.contextmanager
def _opened(model: keras.Model) -> Iterator[dict[int, Any]]:
    """While open, composite layers called on symbolic tensors show their own operations.

    Yields a mapping from the id of a composite layer's output to the pair of that output and
    the tensor inside the layer that it stands for.
    """
    inner_outputs: dict[int, Any] = {}
    layers = [model, *(layer for _, layer in walk(model))]
    # Keras notes every symbolic call on the operations themselves: remembered, then put back.
    before = [(x, [*x._inbound_nodes], [*x._outbound_nodes]) for x in _operations(layers)]
    opened = [layer for layer in layers if _is_composite(layer)]
    for layer in opened:
        object.__setattr__(layer, "symbolic_call", _opening_call(layer, inner_outputs))
    try:
        yield inner_outputs
    finally:
        for layer in opened:
            object.__delattr__(layer, "symbolic_call")
        for operation, inbound, outbound in before:
            operation._inbound_nodes[:] = inbound
            operation._outbound_nodes[:] = outbound


def _operations(layers: list[keras.layers.Layer]) -> list[Any]:
    """The layers, and the single operations that functional models among them hold."""
    unique = {id(layer): layer for layer in layers}
    for layer in layers:
        unique |= {id(operation): operation for operation in getattr(layer, "operations", [])}
    return list(unique.values())


def _is_composite(layer: keras.layers.Layer) -> bool:
    if _linear(layer) is not None or isinstance(layer, keras.layers.RNN):
        return False
    return bool(layer._flatten_layers(include_self=False, recursive=False))


def _opening_call(layer: keras.layers.Layer, inner_outputs: dict[int, Any]) -> Any:
    def symbolic_call(*args: Any, **kwargs: Any) -> Any:
        try:
            inside = layer.call(*args, **kwargs)
        except Exception:
            # Written for real tensors only: seen from outside.
            return _output_from_outside(layer, args, kwargs)

        def stand_in(tensor: Any) -> Any:
            if not isinstance(tensor, keras.KerasTensor):
                return tensor
            # Keras marks a layer's outputs as made by the layer; a copy keeps the inner history.
            copy = keras.KerasTensor(tensor.shape, tensor.dtype)
            inner_outputs[id(copy)] = (copy, tensor)
            return copy

        return keras.tree.map_structure(stand_in, inside)

    return symbolic_call


def _output_from_outside(layer: keras.layers.Layer, args: Any, kwargs: Any) -> Any:
    try:
        return layer.compute_output_spec(*args, **kwargs)
    except Exception:
        # Some attention layers cannot tell their output's shape; it is that of their query. A
        # wrong guess can only hide FFNs behind it, which the summary then says.
        tensors = keras.tree.flatten((args, kwargs))
        first = next(x for x in tensors if isinstance(x, keras.KerasTensor))
        return keras.KerasTensor(first.shape, first.dtype)


def _call_alone(layer: keras.layers.Layer) -> list[Any]:
    """The outputs of a layer on symbolic input of the shapes it was built with."""
    try:
        outputs = layer(*specs_of_build(layer, layer.input_dtype, OPEN_AXIS[0]))
    except Exception:
        return []
    return [x for x in keras.tree.flatten(outputs) if isinstance(x, keras.KerasTensor)]


def _linear(operation: Any) -> keras.layers.Layer | None:
    """The linear layer that an operation applies, if it is one."""
    if isinstance(operation, keras.layers.TimeDistributed):
        operation = operation.layer
    if isinstance(operation, keras.layers.Conv1D):
        pointwise = operation.kernel_size == (1,) and operation.groups == 1
        return operation if pointwise else None
    return operation if isinstance(operation, PLAIN_CLASSES) else None


def _search(outputs: list[Any], inner_outputs: dict[int, Any]) -> tuple[set[int], set[int]]:
    """Walks the graph back from the outputs and tests every linear layer as a second one."""
    first: dict[int, None] = {}
    second: set[int] = set()
    reached: set[int] = set()
    calls = _linear_calls(outputs, inner_outputs, reached)
    for layer, inputs in calls:
        sources = _sources(inputs[0], inner_outputs)
        # In a bare chain of linear layers a second one is not the first of the next pair.
        fits = [
            source
            for source in sources
            if id(source) not in second and matrix_size(source)[0] == matrix_size(layer)[1]
        ]
        if fits and len(fits) == len(sources):
            second.add(id(layer))
            first |= dict.fromkeys(id(source) for source in fits)
    return set(first), reached


def _node(tensor: Any, inner_outputs: dict[int, Any]) -> Any:
    """The node that computed a tensor, inside composite layers too; `None` for an input."""
    while id(tensor) in inner_outputs:
        tensor = inner_outputs[id(tensor)][1]
    history = getattr(tensor, "_keras_history", None)
    if history is None or history.operation is None:
        return None
    return history.operation._inbound_nodes[history.node_index]


def _linear_calls(
    outputs: list[Any], inner_outputs: dict[int, Any], reached: set[int]
) -> list[tuple[keras.layers.Layer, list[Any]]]:
    """Every call of a linear layer, in the order of computation, with its input tensors."""
    calls: list[tuple[keras.layers.Layer, list[Any]]] = []
    done: set[int] = set()
    stack = [(_node(tensor, inner_outputs), False) for tensor in reversed(outputs)]
    while stack:
        node, inputs_done = stack.pop()
        if node is None or (id(node) in done and not inputs_done):
            continue
        if not inputs_done:
            done.add(id(node))
            stack.append((node, True))
            stack += [(_node(x, inner_outputs), False) for x in reversed(node.input_tensors)]
            continue
        layer = _linear(node.operation)
        if layer is not None and node.input_tensors:
            reached.add(id(layer))
            calls.append((layer, node.input_tensors))
    return calls


def _sources(tensor: Any, inner_outputs: dict[int, Any]) -> list[keras.layers.Layer]:
    """The linear layers that a tensor comes from through nothing but an FFN's middle; none if
    anything else has a part in it.
    """
    sources: dict[int, keras.layers.Layer] = {}
    stack, done = [tensor], set()
    while stack:
        node = _node(stack.pop(), inner_outputs)
        if node is None or node.is_input:
            return []
        if id(node) in done:
            continue
        done.add(id(node))
        layer = _linear(node.operation)
        if layer is not None:
            sources[id(layer)] = layer
        elif _passes(node):
            stack += node.input_tensors
        else:
            return []
    return list(sources.values())


def _passes(node: Any) -> bool:
    name = type(node.operation).__name__.lower().replace("_", "")
    if name in _PASSED:
        return True
    return name in _PASSED_WITH_CONSTANT and len(node.input_tensors) == 1
