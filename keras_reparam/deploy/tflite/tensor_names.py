"""Short names for the tensors of a converted model."""

import re
from collections.abc import Collection

from ai_edge_litert import schema_py_generated as schema

# What the names of a front end's tensors begin with. No layer is called so: a blank is no part of
# a name in TensorFlow.
FRONT_END = "front end"
# What Keras appends to the name of a layer that is called again.
_CALLED_AGAIN = re.compile(r"_\d+$")


def shorten_names(
    packed: schema.ModelT,
    *,
    layers: Collection[str],
    models: Collection[str],
    front_end: Collection[int],
) -> None:
    """Names each tensor by the path of the layer that makes it, in place.

    The converter names a tensor by all operators that it joined, each with its whole path:
    `"net_1/net_1/fc1_1/Relu;net_1/net_1/fc1_1/Add"`, with models `net` and a layer `fc1`,
    becomes `"fc1/Relu"`, and `"front end/log_mel/Log"` in the front end. All names are distinct.

    Args:
        packed: The model.
        layers: Names of the layers.
        models: Names of the model and of the models inside it.
        front_end: Indices of the front end's tensors.
    """
    taken: set[str] = set()
    for index, tensor in enumerate(packed.subgraphs[0].tensors):
        parts = layer_parts(tensor.name or b"", layers)[0]
        name = "/".join(part for part in parts if part not in models) or "tensor"
        name = first = f"{FRONT_END}/{name}" if index in front_end else name
        count = 1
        while name in taken:
            count += 1
            name = f"{first}.{count}"
        taken.add(name)
        tensor.name = name.encode()


def layer_parts(name: bytes, layers: Collection[str]) -> list[list[str]]:
    """The paths of the operators that a converter's name joins, with the layers' own names."""
    return [
        [_own_name(part, layers) for part in path.split("/")] for path in name.decode().split(";")
    ]


def _own_name(part: str, layers: Collection[str]) -> str:
    if part in layers:
        return part
    shorter = _CALLED_AGAIN.sub("", part)
    return shorter if shorter in layers else part
