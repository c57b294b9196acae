"""Input of a model's own structure: symbolic to trace it, random to compare it."""

import inspect
from typing import Any

import keras
import numpy as np

from keras_reparam import _keras

# Tried in turn for axes that the model leaves open: short for models that limit their length,
# long for those that shorten it a lot (a speech model on raw samples).
OPEN_AXIS = (16, 512, 2048)


def input_spec(model: keras.Model) -> list[Any]:
    """Positional arguments of the model's call, as structures of `keras.KerasTensor`.

    Functional and Sequential models know their inputs; for subclassed ones Keras recorded the
    shapes they were built with.

    Raises:
        ValueError: If the model is not built, or nothing tells its input shapes.
    """
    if not model.built:
        raise ValueError(
            f"Model '{model.name}' has no weights yet. Build it, or call it on data, first."
        )
    for size in OPEN_AXIS:
        specs = _specs(model, size)
        try:
            with _keras.losses_kept(model._flatten_layers()):
                model.compute_output_spec(*specs)
        except Exception:
            continue
        return specs
    return _specs(model, OPEN_AXIS[0])


def _specs(model: keras.Model, open_axis: int) -> list[Any]:
    inputs = getattr(model, "_inputs_struct", None)
    if inputs is None and isinstance(model, keras.Sequential):
        inputs = model.inputs[0]
    if inputs is not None:
        return [keras.tree.map_structure(lambda x: _spec(x.shape, x.dtype, open_axis), inputs)]
    specs = specs_of_build(model, model.input_dtype, open_axis)
    if not specs:
        raise ValueError(
            f"The input shapes of model '{model.name}' are not known. Call it on data first."
        )
    try:
        inspect.signature(model.call).bind(*specs)
    except TypeError as error:
        raise ValueError(
            f"Keras recorded the shapes of only {len(specs)} of the arguments that "
            f"{type(model).__name__}.call takes ({error}). Pass `data=`, a tuple of them, to "
            "`merge`; name layers with `filters=` to `expand`."
        ) from None
    return specs


def specs_of_build(layer: keras.layers.Layer, dtype: str, open_axis: int) -> list[Any]:
    """Symbolic input of the shapes that a layer was built with; empty if there are none."""
    shapes = getattr(layer, "_build_shapes_dict", None) or {}
    return [
        keras.tree.map_shape_structure(lambda shape: _spec(shape, dtype, open_axis), shape)
        for shape in shapes.values()
        if shape is not None
    ]


def _spec(shape: Any, dtype: str, open_axis: int) -> keras.KerasTensor:
    batch, *rest = shape
    sizes = (batch or 2, *(open_axis if size is None else size for size in rest))
    return keras.KerasTensor(sizes, dtype=keras.backend.standardize_dtype(dtype))


def random_input(model: keras.Model, *, seed: int = 0) -> list[Any]:
    """Random arrays for `input_spec(model)`: normal floats; ones and zeros for integers.

    Integers of 0 and 1 are valid token ids, segment ids and masks alike.

    Raises:
        ValueError: If the model takes strings, or its input shapes are not known.
    """
    rng = np.random.default_rng(seed)

    def draw(spec: keras.KerasTensor) -> Any:
        if spec.dtype == "string":
            raise ValueError(
                f"Model '{model.name}' takes strings, which random input cannot stand for. Pass "
                "some as `data=`, e.g. a tensor of shape (batch, 1)."
            )
        if "float" in spec.dtype:
            values = rng.standard_normal(spec.shape)
        else:
            values = rng.integers(0, 2, spec.shape)
            # A row of a mask that is all zero would leave nothing to attend to.
            values[(slice(None),) + (0,) * (values.ndim - 1)] = 1
        return keras.ops.convert_to_tensor(values, spec.dtype)

    return keras.tree.map_structure(draw, input_spec(model))
