"""Removes groups whose fan-out is zero: the last step of `merge`."""

import keras
import numpy as np

from keras_reparam import _keras
from keras_reparam.layers import ReparamLayer
from keras_reparam.transforms.model_tree import ModelTree
from keras_reparam.transforms.prunable import Groups, traced_groups
from keras_reparam.transforms.rebuild import copy_weights, rebuild
from keras_reparam.transforms.settings import copy_settings


def without_empty_groups(model: keras.Model, merged: keras.Model) -> keras.Model:
    """The merged model without the groups that pruning has made zero.

    Args:
        model: The model in training form.
        merged: What it merges into, of the same widths; it is used up.

    Returns:
        `merged` itself if there is nothing to remove, else a new model with narrower layers.

    Raises:
        ValueError: If the model rebuilt from its config has other widths than it says.
    """
    pruned = {
        id(twins.second): twins.path
        for twins in ModelTree(model).twins(ModelTree(merged))
        if isinstance(twins.first, ReparamLayer) and twins.first.pruning is not None
    }
    if not pruned:
        return merged
    removed = False
    for _, groups in traced_groups(merged):
        if groups is not None and id(groups.fan_out) in pruned:
            kept = _with_fan_out(groups)
            if len(kept) < groups.count:
                _narrow(groups, kept)
                removed = True
    if not removed:
        return merged
    narrow = rebuild(merged)
    for twins in ModelTree(merged).twins(ModelTree(narrow)):
        shapes = [[tuple(v.shape) for v in layer.weights] for layer in (twins.first, twins.second)]
        if shapes[0] != shapes[1]:
            raise ValueError(
                f"Layer '{twins.path}' has weights of the shapes {shapes[0]} after pruning, but "
                f"rebuilt from the model's config {shapes[1]}: give each layer that is pruned a "
                "width of its own in the config."
            )
    copy_weights(merged, narrow)
    copy_settings(merged, narrow)
    return narrow


def _with_fan_out(groups: Groups) -> np.ndarray:
    """The groups that have a row that is not zero; the first one if none has."""
    rows = groups.slices[-1]
    kernel = keras.ops.convert_to_numpy(rows.layer.kernel)
    used = np.bincount(rows.of(groups.count), (kernel != 0).sum(axis=1), groups.count) > 0
    used[0] |= not used.any()
    return np.flatnonzero(used)


def _narrow(groups: Groups, kept: np.ndarray) -> None:
    """Takes groups out of the weights, in place, and makes the configs those of the rest."""
    for part in groups.slices:
        chosen = np.flatnonzero(np.isin(part.of(groups.count), kept))
        # Keras has a Dense layer's kernel behind a property.
        kernel = _keras.kernel_of(part.layer)
        variable = kernel if part.weight == "kernel" else getattr(part.layer, part.weight)
        value = keras.ops.convert_to_numpy(variable.value).take(chosen, axis=part.axis)
        _keras.resize_variable(variable, value)
    _keras.resize_input(groups.fan_out, groups.fan_out.kernel.shape[0])
    groups.set_count(len(kept))
