"""Whether two models are the same function: one comparison for `expand` and `merge`."""

import contextlib
from collections.abc import Iterator
from typing import Any

import keras
import numpy as np

from keras_reparam import _keras
from keras_reparam.transforms.keras_errors import innermost_message
from keras_reparam.transforms.linear_layers import LOCK, walk
from keras_reparam.transforms.model_input import random_input

# Largest allowed difference, relative to the outputs' scale, by dtype; in float32 it is the
# argument of `tolerance`.
_HALF = {"float16": 2e-3, "bfloat16": 2e-2}
WHOLE_MODEL = 1e-4


def arguments_of(model: keras.Model, data: Any) -> list[Any]:
    """The positional arguments of the call on which outputs are compared: data, or random input.

    Args:
        model: A built model.
        data: Real input; a tuple of arguments for a subclassed model whose `call` takes several.
            `None`: random input of the model's own structure.

    Raises:
        ValueError: If `data` is empty, or random input is no input of this model.
    """
    if data is None:
        return random_input(model)
    if any(0 in np.shape(x) for x in keras.tree.flatten(data)):
        raise ValueError("`data` must hold at least one example. Received: an empty array")
    several = isinstance(data, tuple) and not hasattr(model, "_inputs_struct")
    return [*data] if several else [data]


def outputs_of(model: keras.Model, arguments: list[Any]) -> list[np.ndarray]:
    """The outputs at inference; counters and seed generators stay where they are.

    Raises:
        ValueError: If the model cannot be called on them.
    """
    try:
        with (
            keras.StatelessScope(),
            _keras.losses_kept([model, *(layer for _, layer in walk(model))]),
        ):
            outputs = keras.tree.flatten(model(*arguments, training=False))
    except Exception as error:
        raise ValueError(
            f"Model '{model.name}' could not be called on random or given input to compare its "
            "outputs. If it needs input of a special kind, pass some as `data=`. "
            f"({innermost_message(error)})"
        ) from error
    return [np.asarray(keras.ops.convert_to_numpy(x)) for x in outputs if hasattr(x, "shape")]


def difference_of_models(
    first: keras.Model, second: keras.Model, arguments: list[Any]
) -> tuple[float, float]:
    """The largest difference of two models' outputs relative to their scale, and what is allowed.

    Models that compute in half precision are compared in float32: rounding adds up with the
    depth, and says nothing of whether they are the same function.

    Raises:
        ValueError: If the first model cannot be called on the arguments, draws random numbers at
            inference, or has no finite output.
    """
    exact = tolerance(first, WHOLE_MODEL, of="variable_dtype")
    allowed = tolerance(first, WHOLE_MODEL, of="compute_dtype")
    if allowed > exact:
        # Layers that are written for half precision alone may refuse.
        with contextlib.suppress(ValueError), _in_float32(first, second):
            difference = _difference_on(first, second, arguments)
            if difference <= exact:
                return difference, exact
    return _difference_on(first, second, arguments), allowed


def _difference_on(first: keras.Model, second: keras.Model, arguments: list[Any]) -> float:
    outputs = outputs_of(first, arguments)
    difference = largest_difference(first.name, outputs, outputs_of(second, arguments))
    if difference > WHOLE_MODEL:
        again = largest_difference(first.name, outputs, outputs_of(first, arguments))
        if again > WHOLE_MODEL:
            raise ValueError(
                f"Model '{first.name}' draws random numbers at inference: called twice on the "
                f"same input, its outputs differ by {again:.3g}, so no copy of it can be compared "
                "with it. Draw them only where `training` is true, or from a "
                "`keras.random.SeedGenerator`."
            )
    return difference


def largest_difference(name: str, first: list[np.ndarray], second: list[np.ndarray]) -> float:
    """The largest difference relative to the first's scale; infinite where one is no number."""
    return max((_difference(name, a, b) for a, b in zip(first, second, strict=True)), default=0.0)


def _difference(name: str, first: np.ndarray, second: np.ndarray) -> float:
    if first.shape != second.shape:
        return float("inf")
    if first.dtype.kind in "OSUb":
        # Text and truth values.
        return 0.0 if np.array_equal(first, second) else float("inf")
    first, second = first.astype("float64"), second.astype("float64")
    finite = np.isfinite(first)
    if not np.array_equal(finite, np.isfinite(second)):
        return float("inf")
    if not finite.any():
        if not first.size:
            return 0.0
        raise ValueError(
            f"The output of '{name}' holds no finite value, so it cannot be compared. Look for NaN "
            "in the model's weights, or pass other input as `data=`."
        )
    scale = max(float(np.abs(first[finite]).max()), float(np.finfo("float32").tiny))
    return float(np.abs(first[finite] - second[finite]).max()) / scale


def tolerance(layer: keras.layers.Layer, float32: float, *, of: str = "compute_dtype") -> float:
    """The largest allowed difference for a layer or model: by the coarsest of its dtypes."""
    layers = [layer, *(part for _, part in walk(layer))]
    return max(_HALF.get(getattr(part, of), float32) for part in layers)


@contextlib.contextmanager
def _in_float32(*models: keras.Model) -> Iterator[None]:
    """Within it, layers of half precision compute in float32 with the variables they have."""
    layers = [layer for model in models for layer in [model, *(part for _, part in walk(model))]]
    half = [
        (layer, layer._dtype_policy)
        for layer in layers
        if layer.compute_dtype in _HALF and layer.quantization_mode is None
    ]
    with LOCK:
        for layer, _ in half:
            layer._dtype_policy = keras.DTypePolicy("float32")
        try:
            yield
        finally:
            for layer, policy in half:
                layer._dtype_policy = policy
