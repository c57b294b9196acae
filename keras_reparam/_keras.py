"""Everything private of Keras that this package uses, in one place.

Keras may change any of it between releases: `setup.py` bounds its version, and
`tests/test_keras_private.py` asserts each of these names and says what to do where one is gone.
"""

import contextlib
import functools
import io
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import keras
from keras.src.saving import object_registration, saving_lib, serialization_lib


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


def resize_variable(variable: keras.Variable, value: Any) -> None:
    """Gives a variable a value of another shape, in place."""
    variable._shape = tuple(value.shape)
    variable._initialize(keras.ops.convert_to_tensor(value, variable.dtype))


def resize_input(layer: keras.layers.Layer, size: int) -> None:
    """Has a built layer's config say that the last axis of its input has another size."""
    shapes = layer._build_shapes_dict
    layer._build_shapes_dict = {name: (*shape[:-1], size) for name, shape in shapes.items()}


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

    A global of Keras is replaced for a moment, for no hook of a layer will do: the
    node is made at the end of `Layer.__call__`, and refuses outputs that are not all tensors.
    """
    module = sys.modules[keras.layers.Layer.__module__]
    make_node = module.Node

    def make_if_claimed(operation: Any, **options: Any) -> None:
        if claim(operation):
            make_node(operation, **options)

    module.Node = make_if_claimed  # pyright: ignore[reportAttributeAccessIssue]
    try:
        yield
    finally:
        module.Node = make_node  # pyright: ignore[reportAttributeAccessIssue]


@contextlib.contextmanager
def calls_forgotten(layers: list[keras.layers.Layer]) -> Iterator[None]:
    """Within it, layers may be called on symbolic tensors; afterwards it is as if they were not."""
    operations = {id(layer): layer for layer in layers}
    for layer in layers:
        # The single operations that functional models hold.
        operations |= {id(x): x for x in getattr(layer, "operations", [])}
    nodes = [(x, [*x._inbound_nodes], [*x._outbound_nodes]) for x in operations.values()]
    with losses_kept(layers):
        try:
            yield
        finally:
            for operation, inbound, outbound in nodes:
                operation._inbound_nodes[:] = inbound
                operation._outbound_nodes[:] = outbound


@contextlib.contextmanager
def losses_kept(layers: Iterable[keras.layers.Layer]) -> Iterator[None]:
    """Calls within it leave the losses of earlier calls, which Keras notes on the layers."""
    losses = [(layer, [*layer._losses], {*layer._loss_ids}) for layer in layers]
    try:
        yield
    finally:
        for layer, kept, ids in losses:
            layer._losses[:] = kept
            layer._loss_ids.clear()
            layer._loss_ids.update(ids)


def copy_saved_state(source: keras.Model, target: keras.Model, *, assets: bool) -> list[Any]:
    """What `save_weights` and `load_weights` do, but in memory: no disk can be full.

    Args:
        source: What is saved.
        target: What it is loaded into.
        assets: Whether a layer has some, such as a vocabulary; they are files, whatever is done.

    Returns:
        Pairs of a layer that could not be loaded and its error.
    """
    stored = io.BytesIO()
    store = saving_lib.H5IOStore(stored, mode="w")
    with contextlib.ExitStack() as stack:
        saved = loaded = None
        if assets:
            saved = saving_lib.DiskIOStore("assets", mode="w")
            stack.callback(saved.close)
            loaded = saving_lib.DiskIOStore(saved.working_dir, mode="r")
        saving_lib._save_state(source, store, saved, "", set())
        store.close()
        store = saving_lib.H5IOStore(io.BytesIO(stored.getvalue()), mode="r")
        errors: dict[int, Any] = {}
        saving_lib._load_state(
            target,
            store,
            loaded,
            "",
            visited_saveables=set(),
            failed_saveables=set(),
            error_msgs=errors,
        )
        store.close()
    return list(errors.values())


def compile_arguments(model: keras.Model) -> dict[str, Any] | None:
    """What `compile` was called with, as live objects; `None` if nothing tells.

    The public `get_compile_config` serializes them: functions that are not registered with Keras
    would not come back.
    """
    if not getattr(model, "compiled", False) or not hasattr(model, "_compile_config"):
        return None
    return dict(model._compile_config.config)


serialize_dict = serialization_lib.serialize_dict
# Within it, what has one `shared_object_id` is deserialized as one object.
sharing_objects = serialization_lib.ObjectSharingScope


@contextlib.contextmanager
def serialization_by(
    name: Callable[[Any], str], note: Callable[[Any, dict[str, Any]], None]
) -> Iterator[None]:
    """Within it, in this thread, Keras serializes by other names, and notes more in configs.

    Args:
        name: Gives a class or function its registered name.
        note: Is called with everything that is serialized and its config, which it may change.
    """
    thread = threading.get_ident()
    find_name = object_registration.get_registered_name
    record = serialization_lib.record_object_after_serialization

    def name_here(thing: Any) -> str:
        return (name if threading.get_ident() == thread else find_name)(thing)

    def record_here(thing: Any, config: dict[str, Any]) -> None:
        record(thing, config)
        if threading.get_ident() == thread:
            note(thing, config)

    object_registration.get_registered_name = name_here
    serialization_lib.record_object_after_serialization = record_here
    try:
        yield
    finally:
        object_registration.get_registered_name = find_name
        serialization_lib.record_object_after_serialization = record


def name_package_in_files(package: str) -> None:
    """Has models saved with a package's classes named `"package>Class"`, not by a bare name.

    Keras finds a class by its registered name, and calls it by its bare name in the error where
    there is none: a process without this package would ask for Keras's own `Dense`.
    """
    serialize = getattr(serialization_lib, "serialize_with_public_class", None)
    # A message is no reason to fail with a Keras that has it elsewhere.
    if serialize is None or hasattr(serialize, "__wrapped__"):
        return

    @functools.wraps(serialize)
    def serialize_with_package(*args: Any, **kwargs: Any) -> dict[str, Any] | None:
        config = serialize(*args, **kwargs)
        if config and (config["registered_name"] or "").startswith(f"{package}>"):
            config["class_name"] = config["registered_name"]
        return config

    serialization_lib.serialize_with_public_class = serialize_with_package
