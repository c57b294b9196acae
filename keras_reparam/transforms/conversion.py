"""A copy of a model with chosen layers in training form: what `expand` and others share."""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np

from keras_reparam.transforms.comparison import arguments_of, outputs_of
from keras_reparam.transforms.expanded import protect
from keras_reparam.transforms.linear_layers import LinearLayer, walk
from keras_reparam.transforms.progress import with_progress
from keras_reparam.transforms.rebuild import copy_weights, rebuild
from keras_reparam.transforms.settings import copy_settings


def check_finite(site: LinearLayer, *, verb: str) -> None:
    """Raises a `ValueError` naming the layer if one of its weights holds NaN or infinity."""
    for variable in site.layer.weights:
        if not np.isfinite(keras.ops.convert_to_numpy(variable.value).astype("float32")).all():
            raise ValueError(
                f"Layer '{site.path}' cannot be {verb.removesuffix('e')}ed: {variable.name} holds "
                "values that are NaN or infinite. Training has diverged: go back to an earlier "
                "checkpoint."
            )


def comparable_arguments(model: keras.Model, data: Any) -> list[Any] | None:
    """What to compare the outputs on; `None` if random input is no input of this model."""
    if data is not None:
        return arguments_of(model, data)
    try:
        arguments = arguments_of(model, None)
        finite = [np.isfinite(x).any() for x in outputs_of(model, arguments) if x.dtype.kind == "f"]
    except ValueError:
        return None
    return arguments if all(finite) else None


def converted_copy(
    model: keras.Model,
    chosen: list[LinearLayer],
    convert: Callable[[LinearLayer, keras.layers.Layer], None],
    *,
    description: str,
) -> keras.Model:
    """A copy whose config, saved, describes the layers that were converted.

    Args:
        model: A built model; it is left as it is.
        chosen: The layers to convert.
        convert: Is called with each of them and its twin in the copy, to change that in place.
        description: What a progress bar says.
    """
    copy = rebuild(model)
    copy_weights(model, copy)
    copy_settings(model, copy)
    layers = [layer for _, layer in walk(copy)]
    for site in with_progress(chosen, description):
        convert(site, layers[site.index])
    protect(copy)
    return copy
