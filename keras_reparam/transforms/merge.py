"""`merge`: the plain light model back (deHRF)."""

import functools
import warnings
from typing import Any

import keras
import numpy as np

from keras_reparam.layers import HRF, ReparamLayer
from keras_reparam.layers.saving import saving_merged
from keras_reparam.transforms.comparison import (
    arguments_of,
    difference_of_models,
    largest_difference,
    outputs_of,
    tolerance,
)
from keras_reparam.transforms.expanded import original_class
from keras_reparam.transforms.linear_layers import linear_layers, walk
from keras_reparam.transforms.live_objects import live_name
from keras_reparam.transforms.merge_error import MergeError
from keras_reparam.transforms.model_tree import ModelTree
from keras_reparam.transforms.progress import with_progress
from keras_reparam.transforms.rebuild import (
    check_model,
    copy_compile_state,
    copy_weights,
    rebuild,
)
from keras_reparam.transforms.removal import without_empty_groups
from keras_reparam.transforms.settings import copy_settings


def merge(model: keras.Model, *, data: Any = None) -> keras.Model:
    """A new model of plain Keras layers with the function of `model`: deHRF.

    It undoes `keras_reparam.expand`, `keras_reparam.quantize_aware` and `keras_reparam.prune`, in
    any combination. Call it after training, before export and quantization. The result is compiled
    like `model`, with a fresh optimizer; it is meant for inference, and training it on starts the
    optimizer anew.
    It has the classes and layer names that the model had before `expand`, needs no custom
    object of this package, and its checkpoints load into the expanded model. `model` is left as
    it is, so training can go on with it.

    Units and heads that pruning has made zero are removed, which changes nothing: the layers are
    narrower then, in the config of the model, too.

    Kernels and biases are multiplied in float64 and cast once; a quantizer's codes are those of
    training, times its scale in float64, so that a channel has no value more than the quantizer
    allows. Every merged layer is compared with its training form (1e-5 relative to the output's
    scale in float32), and so are the outputs of the whole model (1e-4; with half precision in
    float32) on `data`, or on random input of the model's own structure. Merging a model without
    layers in training form returns an equal copy and warns that there was nothing to merge.

    Args:
        model: A built `keras.Model` with expanded layers.
        data: Real input of the model to compare the outputs on, in place of random input, which
            is no input of every model: strings, token ids from 2 up, the logarithm of a power. A
            tuple of arguments for a subclassed model whose `call` takes several.

    Returns:
        The merged model.

    Raises:
        TypeError: If `model` is not a Keras model.
        ValueError: If it is not built, cannot be rebuilt from its config, holds NaN or infinite
            values in an expanded layer, cannot be called on random input where no `data` is given,
            or draws random numbers at inference.
        MergeError: If an output differs; the error names the layer and both numbers.

    Example:

    >>> from keras_reparam import expand, merge
    >>> inputs = keras.Input((8,))
    >>> x = keras.layers.Dense(32, activation="relu", name="fc1")(inputs)
    >>> light = keras.Model(inputs, keras.layers.Dense(8, name="fc2")(x))
    >>> again = merge(expand(light, expansion=4))
    >>> type(again.get_layer("fc1")) is keras.layers.Dense, again.count_params()
    (True, 552)

    Reference:

    - Zhang et al., IEEE Internet of Things Journal 2024, arXiv 2411.09339 (deHRF).
    """
    check_model(model)
    expanded = [site for site in linear_layers(model, HRF()) if site.expanded]
    for site in expanded:
        site.layer.check_finite(site.path)
    if not expanded:
        warnings.warn(
            f"Model '{model.name}' holds no expanded layer: nothing to merge, an equal copy is "
            "returned.",
            stacklevel=2,
        )
    arguments = arguments_of(model, data)
    # A model that cannot be compared is found before the work is done.
    outputs_of(model, arguments)
    merged, makers = _rebuild_plain(model)
    weights = {
        id(site.layer): site.layer.merged_weights() for site in with_progress(expanded, "Merging")
    }
    with saving_merged(weights):
        copy_weights(model, merged)
    _check_counts(model, merged)
    copy_settings(model, merged, without_expansion=makers)
    _compare_layers(model, merged)
    _check("the whole model", *difference_of_models(model, merged, arguments))
    narrow = without_empty_groups(model, merged)
    if narrow is not merged:
        merged = narrow
        _check("the model without pruned groups", *difference_of_models(model, merged, arguments))
    copy_compile_state(model, merged)
    return merged


def _rebuild_plain(model: keras.Model) -> tuple[keras.Model, set[type]]:
    """The model with plain layers, and the classes that were told to make them."""
    merged = rebuild(model, edit=functools.partial(_plain_config, makers=set()))
    # Classes that create expanded layers in their own code take them away again by an argument.
    makers = {
        original_class(layer)
        for _, layer in ModelTree(merged).layers
        if not isinstance(layer, ReparamLayer)
        and any(isinstance(x, ReparamLayer) for x in layer._flatten_layers(include_self=False))
    }
    if makers:
        names = set(map(live_name, makers))
        merged = rebuild(model, edit=functools.partial(_plain_config, makers=names))
    left = [path for path, layer in walk(merged) if isinstance(layer, ReparamLayer)]
    if left:
        names = sorted(cls.__name__ for cls in makers)
        raise ValueError(
            f"The expanded layers {left[:5]} are created by the code of one of {names}, which "
            "creates them again when it is rebuilt. Give that class an argument `expansion`, in "
            "`__init__` and `get_config`, that creates plain layers when it is None."
        )
    return merged, makers


def _plain_config(config: Any, *, makers: set[str]) -> Any:
    """A serialized config in which every expanded layer is the plain layer it merges into."""
    if isinstance(config, (list, tuple)):
        return type(config)(_plain_config(item, makers=makers) for item in config)
    if not isinstance(config, dict):
        return config
    name = config.get("registered_name", "")
    if name == "keras_reparam>Expanded":
        # A functional model keeps a layer's name and connections beside its config.
        return {**config, **_plain_config(config["config"]["base"], makers=makers)}
    form = _training_forms().get(name)
    if form is not None:
        return {
            **config,
            "module": "keras.layers",
            "class_name": form.plain_class.__name__,
            "registered_name": None,
            "config": form.merged_config(config["config"]),
        }
    if name in makers and "expansion" in config["config"]:
        config = {**config, "config": {**config["config"], "expansion": None}}
    return {key: _plain_config(value, makers=makers) for key, value in config.items()}


def _training_forms() -> dict[str, type[ReparamLayer]]:
    """Every class of layers in training form, by its registered name."""
    classes = [ReparamLayer]
    for cls in classes:
        classes += cls.__subclasses__()
    return {
        keras.saving.get_registered_name(cls): cls for cls in classes if "plain_class" in vars(cls)
    }


def _check_counts(model: keras.Model, merged: keras.Model) -> None:
    """Every weight outside the factors must have a counterpart, and every merged kernel."""
    factors = {
        id(variable)
        for _, layer in walk(model)
        if isinstance(layer, ReparamLayer)
        for variable in layer.weights
    }
    kept = [variable for variable in model.weights if id(variable) not in factors]
    merged_layers = [
        twins.second
        for twins in ModelTree(model).twins(ModelTree(merged))
        if isinstance(twins.first, ReparamLayer)
    ]
    expected = len(kept) + len({id(v) for layer in merged_layers for v in layer.weights})
    if expected != len(merged.weights):
        raise ValueError(
            f"The merged model has {len(merged.weights)} weights where {expected} were expected: "
            f"{type(model).__name__} rebuilds itself differently from its config."
        )


def _compare_layers(model: keras.Model, merged: keras.Model) -> None:
    """The linear maps themselves, in float64: what follows them can hide a difference."""
    rng = np.random.default_rng(0)
    for twins in ModelTree(model).twins(ModelTree(merged)):
        layer, plain = twins.first, twins.second
        if isinstance(layer, ReparamLayer):
            kernel = _numpy(layer.kernel)
            x = rng.standard_normal((16, kernel[..., 0].size))
            outputs, plain_outputs = (
                x @ weights.reshape(x.shape[1], -1) for weights in (kernel, _numpy(plain.kernel))
            )
            if layer.bias is not None:
                outputs = np.append(outputs, _numpy(layer.bias))
                plain_outputs = np.append(plain_outputs, _numpy(plain.bias))
            difference = largest_difference(twins.path, [outputs], [plain_outputs])
            _check(twins.path, difference, tolerance(layer, 1e-5))


def _check(path: str, difference: float, allowed: float) -> None:
    if difference > allowed:
        raise MergeError(path, difference, allowed)


def _numpy(tensor: Any) -> np.ndarray:
    return np.asarray(keras.ops.convert_to_numpy(tensor)).astype("float64")
