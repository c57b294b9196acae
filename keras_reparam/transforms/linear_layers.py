"""The layers of a model that a method can train: where they are, their sizes, obstacles."""

import dataclasses
import math
import threading
from collections.abc import Iterator
from typing import Any

import keras
import numpy as np

from keras_reparam import _keras
from keras_reparam.layers import ReparamConfig, ReparamLayer
from keras_reparam.layers.einsum_kernel import split_equation

# Some steps change a module of Keras or a model for a moment: one thread at a time.
LOCK = threading.RLock()

LINEAR_CLASSES = (keras.layers.Dense, keras.layers.EinsumDense, keras.layers.Conv1D)


@dataclasses.dataclass(frozen=True)
class LinearLayer:
    """A layer of a model that a method trains, or could.

    Attributes:
        path: Layer names from the model down, joined by `/`.
        index: Position in `walk(model)`: the same in a model rebuilt from the same config.
        layer: The layer.
        obstacle: Why the method cannot expand it; empty if it can or one did.
    """

    path: str
    index: int
    layer: keras.layers.Layer
    obstacle: str

    @property
    def expanded(self) -> bool:
        """Whether it is in training form."""
        return isinstance(self.layer, ReparamLayer)


def walk(model: keras.layers.Layer) -> Iterator[tuple[str, keras.layers.Layer]]:
    """Every layer below `model` once, depth first, with its path of names.

    In a model rebuilt from the config the same layers come in the same order.
    """
    return ((path, layer) for path, layer, known in places(model) if not known)


def places(model: keras.layers.Layer) -> Iterator[tuple[str, keras.layers.Layer, bool]]:
    """Every place for a layer below `model`: its path, the layer, whether it has come before."""
    seen = {id(model)}

    def visit(
        parent: keras.layers.Layer, prefix: str
    ) -> Iterator[tuple[str, keras.layers.Layer, bool]]:
        for child in parent._flatten_layers(include_self=False, recursive=False):
            # Models made on one tensor share its InputLayer; rebuilt, each has its own.
            known = id(child) in seen and not isinstance(child, keras.layers.InputLayer)
            seen.add(id(child))
            yield prefix + child.name, child, known
            if not known:
                yield from visit(child, f"{prefix}{child.name}/")

    yield from visit(model, "")


def surroundings(model: keras.Model) -> dict[int, list[keras.layers.Layer]]:
    """What is around each layer, the innermost first, by the layer's id.

    A layer that is in several places is where `walk` finds it first.
    """
    around: dict[int, list[keras.layers.Layer]] = {}

    def visit(parent: keras.layers.Layer, outer: list[keras.layers.Layer]) -> None:
        for child in parent._flatten_layers(include_self=False, recursive=False):
            if id(child) not in around:
                around[id(child)] = [parent, *outer]
                visit(child, around[id(child)])

    visit(model, [])
    return around


def linear_layers(model: keras.Model, method: ReparamConfig) -> list[LinearLayer]:
    """The layers that `method` has a training form for, and those in any, in the model's order."""
    layers = list(walk(model))
    owners: dict[int, list[str]] = {}
    for path, layer in layers:
        for variable in layer._trainable_variables + layer._non_trainable_variables:
            owners.setdefault(id(variable), []).append(path)
    known = (ReparamLayer, *method.training_classes)
    return [
        LinearLayer(path, index, layer, _obstacle(path, layer, owners, method))
        for index, (path, layer) in enumerate(layers)
        if isinstance(layer, known)
    ]


def _obstacle(
    path: str, layer: keras.layers.Layer, owners: dict[int, list[str]], method: ReparamConfig
) -> str:
    if isinstance(layer, ReparamLayer):
        return ""
    if type(layer) not in method.training_classes:
        return f"its class {type(layer).__name__} changes what a plain layer does"
    if not layer.built:
        return "it has no weights yet"
    if getattr(layer, "quantization_mode", None) is not None:
        return f"it is quantized ({layer.quantization_mode})"
    if getattr(layer, "lora_enabled", False):
        return "LoRA is enabled"
    others = [other for other in owners[id(_keras.kernel_of(layer))] if other != path]
    if others:
        return f"its kernel is tied to '{others[0]}'"
    options = method.training_classes[type(layer)].kernel_options
    for name, prefix in (("kernel", options), ("bias", "bias")):
        constraint, weight = getattr(layer, f"{prefix}_constraint"), getattr(layer, name)
        if constraint is not None and weight is not None and not _fulfils(constraint, weight):
            return f"its {name} does not fulfil its constraint yet; train or project it first"
    return method.obstacle(layer)


def _fulfils(constraint: Any, weight: Any) -> bool:
    value = keras.ops.convert_to_numpy(weight.value).astype("float64")
    projected = keras.ops.convert_to_numpy(constraint(weight.value)).astype("float64")
    return np.allclose(projected, value, rtol=1e-5, atol=1e-6 * np.abs(value).max())


def is_pointwise(layer: keras.layers.Conv1D) -> bool:
    """Whether a convolution is a linear layer applied to every position by itself."""
    return layer.kernel_size == (1,) and layer.groups == 1


def kernel_shape(layer: keras.layers.Layer) -> tuple[int, ...]:
    """Shape of the (effective) kernel; empty for a layer without weights."""
    if isinstance(layer, ReparamLayer):
        return layer.plain_kernel_shape
    return tuple(layer.kernel.shape) if layer.built else ()


def matrix_size(layer: keras.layers.Layer) -> tuple[int, int]:
    """Rows and columns of the kernel read as a matrix: sizes `d -> f` of the linear map."""
    shape = kernel_shape(layer)
    if isinstance(layer, keras.layers.EinsumDense):
        rows, columns, letters = split_equation(layer.equation)
        size = dict(zip(letters, shape, strict=True))
        return math.prod(size[x] for x in rows), math.prod(size[x] for x in columns)
    return math.prod(shape[:-1]), shape[-1]
