"""The linear layers of a model: where they are, their sizes, whether HRF can expand them."""

import dataclasses
import math
import threading
from collections.abc import Iterator
from typing import Any

import keras
import numpy as np

from keras_reparam.layers.hrf_conv1d import HRFConv1D
from keras_reparam.layers.hrf_dense import HRFDense
from keras_reparam.layers.hrf_einsum_dense import HRFEinsumDense, split_equation
from keras_reparam.layers.hrf_layer import HRFLayer

# Some steps change a module of Keras or a model for a moment: one thread at a time.
LOCK = threading.RLock()

HRF_CLASSES: tuple[type[HRFLayer], ...] = (HRFDense, HRFEinsumDense, HRFConv1D)
PLAIN_CLASSES = tuple(cls.plain_class for cls in HRF_CLASSES)


@dataclasses.dataclass(frozen=True)
class LinearLayer:
    """A linear layer of a model.

    Attributes:
        path: Layer names from the model down, joined by `/`.
        index: Position in `walk(model)`: the same in a model rebuilt from the same config.
        layer: The layer.
        obstacle: Why HRF cannot expand it; empty if it can or did.
    """

    path: str
    index: int
    layer: keras.layers.Layer
    obstacle: str

    @property
    def expanded(self) -> bool:
        """Whether the kernel is a product of factors."""
        return isinstance(self.layer, HRFLayer)


def walk(model: keras.layers.Layer) -> Iterator[tuple[str, keras.layers.Layer]]:
    """Every layer below `model` once, depth first, with its path of names.

    In a model rebuilt from the config the same layers come in the same order.
    """
    seen: set[int] = set()

    def visit(parent: keras.layers.Layer, prefix: str) -> Iterator[tuple[str, keras.layers.Layer]]:
        for child in parent._flatten_layers(include_self=False, recursive=False):
            # Models made on one tensor share its InputLayer; rebuilt, each has its own.
            if id(child) in seen and not isinstance(child, keras.layers.InputLayer):
                continue
            seen.add(id(child))
            yield prefix + child.name, child
            yield from visit(child, f"{prefix}{child.name}/")

    yield from visit(model, "")


def linear_layers(model: keras.Model) -> list[LinearLayer]:
    """The model's Dense, EinsumDense and Conv1D layers, expanded or not, in its own order."""
    layers = list(walk(model))
    owners: dict[int, list[str]] = {}
    for path, layer in layers:
        for variable in layer._trainable_variables + layer._non_trainable_variables:
            owners.setdefault(id(variable), []).append(path)
    return [
        LinearLayer(path, index, layer, _obstacle(path, layer, owners))
        for index, (path, layer) in enumerate(layers)
        if isinstance(layer, PLAIN_CLASSES)
    ]


def _obstacle(path: str, layer: keras.layers.Layer, owners: dict[int, list[str]]) -> str:
    if isinstance(layer, HRFLayer):
        return ""
    if type(layer) not in PLAIN_CLASSES:
        return f"its class {type(layer).__name__} changes what a plain layer does"
    if not layer.built:
        return "it has no weights yet"
    if getattr(layer, "quantization_mode", None) is not None:
        return f"it is quantized ({layer.quantization_mode})"
    if layer.lora_enabled:
        return "LoRA is enabled"
    others = [other for other in owners[id(layer._kernel)] if other != path]
    if others:
        return f"its kernel is tied to '{others[0]}'"
    if isinstance(layer, keras.layers.EinsumDense) and not split_equation(layer.equation)[0]:
        return f"its equation {layer.equation} sums over no axis of the kernel"
    for name in ("kernel", "bias"):
        constraint, weight = getattr(layer, f"{name}_constraint"), getattr(layer, name)
        if constraint is not None and weight is not None and not _fulfils(constraint, weight):
            return f"its {name} does not fulfil its constraint yet; train or project it first"
    return ""


def _fulfils(constraint: Any, weight: Any) -> bool:
    value = keras.ops.convert_to_numpy(weight.value).astype("float64")
    projected = keras.ops.convert_to_numpy(constraint(weight.value)).astype("float64")
    return np.allclose(projected, value, rtol=1e-5, atol=1e-6 * np.abs(value).max())


def hrf_class(layer: keras.layers.Layer) -> type[HRFLayer]:
    """The HRF class that replaces a plain layer."""
    return HRF_CLASSES[PLAIN_CLASSES.index(type(layer))]


def is_pointwise(layer: keras.layers.Conv1D) -> bool:
    """Whether a convolution is a linear layer applied to every position by itself."""
    return layer.kernel_size == (1,) and layer.groups == 1


def kernel_shape(layer: keras.layers.Layer) -> tuple[int, ...]:
    """Shape of the (effective) kernel; empty for a layer without weights."""
    if isinstance(layer, HRFLayer):
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
