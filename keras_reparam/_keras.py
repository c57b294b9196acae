"""Everything private of Keras that this package uses, in one place.

Keras may change any of it between releases: `setup.py` bounds its version, and
`tests/test_keras_private.py` asserts each of these names and says what to do where one is gone.
"""

import contextlib
import sys
from collections.abc import Callable, Iterator
from typing import Any

import keras


@contextlib.contextmanager
def unlocked(layer: keras.layers.Layer) -> Iterator[None]:
    """Within it, a built layer takes variables, as Keras's own `enable_lora` lets it."""
    layer._tracker.unlock()
    try:
        yield
    finally:
        layer._tracker.lock()


def kernel_of(layer: keras.layers.Layer) -> Any:
    """A plain layer's kernel: the variable, not what LoRA or quantization makes of it."""
    return layer.__dict__.get("_kernel", layer.__dict__.get("kernel"))


def take_kernel_and_bias(layer: keras.layers.Layer) -> tuple[Any, Any]:
    """Takes a built plain layer's kernel and bias (or `None`) out of it and returns them."""
    name = "_kernel" if "_kernel" in layer.__dict__ else "kernel"
    kernel, bias = layer.__dict__.pop(name), layer.__dict__.pop("bias")
    for variable in (kernel, bias):
        if variable is not None:
            layer._untrack_variable(variable)
    return kernel, bias


def forget_instance_wrappers(layer: keras.layers.Layer) -> None:
    """Lets the methods of a layer's new class be found.

    Keras wraps these two methods of each instance at its creation, for the class it then was.
    """
    layer.__dict__.pop("build", None)
    layer.__dict__.pop("quantize", None)


def node_of(tensor: Any) -> Any:
    """The node of Keras's graph that computed a symbolic tensor; `None` for an input."""
    history = getattr(tensor, "_keras_history", None)
    if history is None or history.operation is None:
        return None
    return history.operation._inbound_nodes[history.node_index]


@contextlib.contextmanager
def nodes_of_layers_that(claim: Callable[[keras.layers.Layer], bool]) -> Iterator[None]:
    """Within it, Keras notes a symbolic call of a layer on its outputs only if `claim(layer)`.

    The only global of Keras that is replaced for a moment, for no hook of a layer will do: the
    node is made at the end of `Layer.__call__`, and refuses outputs that are not all tensors.
    """
    module = sys.modules[keras.layers.Layer.__module__]
    make_node = module.Node

    def make_if_claimed(operation: Any, **options: Any) -> None:
        if claim(operation):
            make_node(operation, **options)

    module.Node = make_if_claimed
    try:
        yield
    finally:
        module.Node = make_node


@contextlib.contextmanager
def calls_forgotten(layers: list[keras.layers.Layer]) -> Iterator[None]:
    """Within it, layers may be called on symbolic tensors; afterwards it is as if they were not.

    Keras notes every such call, and the losses that it adds, on the operations themselves.
    """
    operations = {id(layer): layer for layer in layers}
    for layer in layers:
        # The single operations that functional models hold.
        operations |= {id(x): x for x in getattr(layer, "operations", [])}
    nodes = [(x, [*x._inbound_nodes], [*x._outbound_nodes]) for x in operations.values()]
    losses = [(layer, [*layer._losses], {*layer._loss_ids}) for layer in layers]
    try:
        yield
    finally:
        for operation, inbound, outbound in nodes:
            operation._inbound_nodes[:] = inbound
            operation._outbound_nodes[:] = outbound
        for layer, kept, ids in losses:
            layer._losses[:] = kept
            layer._loss_ids.clear()
            layer._loss_ids.update(ids)
