"""`merge`: the plain light model back (deHRF)."""

import warnings
from typing import Any

import keras
import numpy as np

from keras_reparam.layers import HRF, ReparamLayer
from keras_reparam.layers.saving import saving_merged
from keras_reparam.transforms.expanded import original_class
from keras_reparam.transforms.linear_layers import linear_layers, walk
from keras_reparam.transforms.merge_error import MergeError
from keras_reparam.transforms.model_input import random_input
from keras_reparam.transforms.progress import with_progress
from keras_reparam.transforms.rebuild import (
    build_from,
    check_model,
    config_of,
    copy_compile_state,
    copy_weights,
)

# Largest allowed difference, relative to the outputs' scale, by compute dtype; in float32 it is
# the argument of `_tolerance`.
_TOLERANCE = {"float16": 2e-3, "bfloat16": 2e-2}


def merge(model: keras.Model, *, data: Any = None) -> keras.Model:
    """A new model of plain Keras layers with the function of `model`: deHRF.

    Call it after training, before export and quantization. The result is compiled like `model`,
    with a fresh optimizer; it is meant for inference, and training it on starts the optimizer
    anew. It has the classes and layer names that the model had before `expand`, needs no custom
    object of this package, and its checkpoints load into the expanded model. `model` is left as
    it is, so training can go on with it.

    Kernels and biases are multiplied in float64 and cast once. Every merged layer is compared
    with its factors (1e-5 relative to the output's scale in float32), and so are the outputs of
    the whole model (1e-4) on random input of the model's own structure. Merging a model without
    factors returns an equal copy and warns that there was nothing to merge.

    Args:
        model: A built `keras.Model` with expanded layers.
        data: Optional real input of the model, for one more comparison; a tuple of arguments for
            a subclassed model whose `call` takes several.

    Returns:
        The merged model.

    Raises:
        TypeError: If `model` is not a Keras model.
        ValueError: If it is not built, cannot be rebuilt from its config, or holds NaN or
            infinite values in an expanded layer.
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
    merged = _rebuild_plain(model)
    weights = {
        id(site.layer): site.layer.merged_weights() for site in with_progress(expanded, "Merging")
    }
    with saving_merged(weights):
        copy_weights(model, merged)
    _check_counts(model, merged)
    _compare_layers(model, merged)
    for inputs in _inputs(model, data):
        _compare_outputs(model, merged, inputs)
    copy_compile_state(model, merged)
    return merged


def _inputs(model: keras.Model, data: Any) -> list[list[Any]]:
    """The positional arguments of every call that the outputs are compared on."""
    several = isinstance(data, tuple) and not hasattr(model, "_inputs_struct")
    given = [] if data is None else [[*data] if several else [data]]
    if any(0 in np.shape(x) for x in keras.tree.flatten(given)):
        raise ValueError("`data` must hold at least one example. Received: an empty array")
    try:
        return [random_input(model), *given]
    except ValueError:
        if given:
            return given
        raise


def _rebuild_plain(model: keras.Model) -> keras.Model:
    config = _plain_config(config_of(model), own_argument=set())
    merged = build_from(config, like=model)
    # Classes that create expanded layers in their own code take them away again by an argument.
    makers = {
        keras.saving.get_registered_name(original_class(layer))
        for _, layer in [("", merged), *walk(merged)]
        if not isinstance(layer, ReparamLayer)
        and any(isinstance(x, ReparamLayer) for x in layer._flatten_layers(include_self=False))
    }
    if makers:
        config = _plain_config(config_of(model), own_argument=makers)
        merged = build_from(config, like=model)
    left = [path for path, layer in walk(merged) if isinstance(layer, ReparamLayer)]
    if left:
        raise ValueError(
            f"The expanded layers {left[:5]} are created by the code of one of {sorted(makers)}, "
            "which creates them again when it is rebuilt. Give that class an argument `expansion`, "
            "in `__init__` and `get_config`, that creates plain layers when it is None."
        )
    return merged


def _plain_config(config: Any, *, own_argument: set[str]) -> Any:
    """A serialized config in which every expanded layer is the plain layer it merges into."""
    if isinstance(config, (list, tuple)):
        return type(config)(_plain_config(item, own_argument=own_argument) for item in config)
    if not isinstance(config, dict):
        return config
    name = config.get("registered_name")
    if name == "keras_reparam>Expanded":
        # A functional model keeps a layer's name and connections beside its config.
        return {**config, **_plain_config(config["config"]["base"], own_argument=own_argument)}
    form = _training_forms().get(name)
    if form is not None:
        return {
            **config,
            "module": "keras.layers",
            "class_name": form.plain_class.__name__,
            "registered_name": None,
            "config": form.merged_config(config["config"]),
        }
    if name in own_argument and "expansion" in config["config"]:
        config = {**config, "config": {**config["config"], "expansion": None}}
    return {key: _plain_config(value, own_argument=own_argument) for key, value in config.items()}


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
    merged_layers = [b for (_, a), (_, b) in _pairs(model, merged) if isinstance(a, ReparamLayer)]
    expected = len(kept) + len({id(v) for layer in merged_layers for v in layer.weights})
    if expected != len(merged.weights):
        raise ValueError(
            f"The merged model has {len(merged.weights)} weights where {expected} were expected: "
            f"{type(model).__name__} rebuilds itself differently from its config."
        )


def _pairs(model: keras.Model, merged: keras.Model) -> list[Any]:
    first, second = list(walk(model)), list(walk(merged))
    if len(first) != len(second):
        raise ValueError(
            f"The merged model has {len(second)} layers where {len(first)} were expected: "
            f"{type(model).__name__} rebuilds itself differently from its config."
        )
    return list(zip(first, second, strict=True))


def _compare_layers(model: keras.Model, merged: keras.Model) -> None:
    """The linear maps themselves, in float64: activations can hide a difference."""
    rng = np.random.default_rng(0)
    for (path, layer), (_, plain) in _pairs(model, merged):
        if isinstance(layer, ReparamLayer):
            kernel = _numpy(layer.kernel)
            x = rng.standard_normal((16, kernel[..., 0].size))
            outputs, plain_outputs = (
                x @ weights.reshape(x.shape[1], -1) for weights in (kernel, _numpy(plain.kernel))
            )
            if layer.bias is not None:
                outputs = np.append(outputs, _numpy(layer.bias))
                plain_outputs = np.append(plain_outputs, _numpy(plain.bias))
            _check(path, outputs, plain_outputs, _tolerance([layer], 1e-5))


def _compare_outputs(model: keras.Model, merged: keras.Model, inputs: list[Any]) -> None:
    # Without a trace in either model: counters and seed generators stay where they are.
    try:
        with keras.StatelessScope():
            outputs = keras.tree.flatten(model(*inputs, training=False))
    except Exception as error:
        raise ValueError(
            f"Model '{model.name}' could not be called on random or given input to compare it "
            "with its merged form. If it needs input of a special kind, pass some as `data=`. "
            f"({str(error).strip().splitlines()[0]})"
        ) from error
    with keras.StatelessScope():
        merged_outputs = keras.tree.flatten(merged(*inputs, training=False))
    tolerance = _tolerance([model, *(layer for _, layer in walk(model))], 1e-4)
    for first, second in zip(outputs, merged_outputs, strict=True):
        if hasattr(first, "shape"):
            _check("the whole model", _numpy(first), _numpy(second), tolerance)


def _tolerance(layers: list[keras.layers.Layer], float32: float) -> float:
    return max(_TOLERANCE.get(layer.compute_dtype, float32) for layer in layers)


def _check(path: str, first: np.ndarray, second: np.ndarray, tolerance: float) -> None:
    if not np.array_equal(np.isfinite(first), np.isfinite(second)):
        raise MergeError(path, float("inf"), tolerance)
    finite = np.isfinite(first)
    if not finite.any():
        raise ValueError(
            f"The output of '{path}' holds no finite value, so the merged model cannot be compared "
            "with it. Look for NaN in the model's weights, or pass other input as `data=`."
        )
    scale = max(float(np.abs(first[finite]).max()), np.finfo("float32").tiny)
    difference = float(np.abs(first[finite] - second[finite]).max()) / scale
    if difference > tolerance:
        raise MergeError(path, difference, tolerance)


def _numpy(tensor: Any) -> np.ndarray:
    return np.asarray(keras.ops.convert_to_numpy(tensor)).astype("float64")
