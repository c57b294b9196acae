"""Short names for the tensors of a converted model."""

import re
from collections.abc import Collection

from ai_edge_litert import schema_py_generated as schema

# What Keras appends to the name of a layer that is called again.
_CALLED_AGAIN = re.compile(r"_\d+$")


def shorten_names(
    packed: schema.ModelT, *, layers: Collection[str], models: Collection[str]
) -> None:
    """Names each tensor by the path of the layer that makes it, in place.

    The converter names a tensor by all operators that it joined, each with its whole path:
    `"net_1/net_1/fc1_1/Relu;net_1/net_1/fc1_1/Add"`, with models `net` and a layer `fc1`,
    becomes `"fc1/Relu"`. All names are distinct.

    Args:
        packed: The model.
        layers: Names of the layers.
        models: Names of the model and of the models inside it.
    """
    taken: set[str] = set()
    for tensor in packed.subgraphs[0].tensors:
        parts = (tensor.name or b"").decode().split(";")[0].split("/")
        parts = [_own_name(part, layers) for part in parts]
        name = first = "/".join(part for part in parts if part not in models) or "tensor"
        count = 1
        while name in taken:
            count += 1
            name = f"{first}.{count}"
        taken.add(name)
        tensor.name = name.encode()


def _own_name(part: str, layers: Collection[str]) -> str:
    if part in layers:
        return part
    shorter = _CALLED_AGAIN.sub("", part)
    return shorter if shorter in layers else part
