"""Settings that were changed on a live model and that rebuilding it does not bring back."""

import functools
import types
from collections.abc import Collection, Sequence
from typing import Any

import keras
import numpy as np

from keras_reparam.layers import ReparamLayer
from keras_reparam.transforms.expanded import original_class
from keras_reparam.transforms.live_objects import LiveObjects
from keras_reparam.transforms.model_tree import ModelTree, Twins

# Compared when the model is rebuilt, or the layers of a model themselves.
_ELSEWHERE = {"name", "dtype", "trainable"}
_GRAPH = {"layers", "input_layers", "output_layers", "build_input_shape"}
_PLAIN = (str, bytes, int, float, bool, type(None), np.generic, np.ndarray, types.FunctionType)
_MISSING = object()


def copy_settings(
    source: keras.Model, target: keras.Model, *, without_expansion: Collection[type] = ()
) -> None:
    """Gives every layer the settings of its twin in the live model.

    A class that makes its parts itself makes them with the settings in its code: a rate, an
    epsilon or an activation changed afterwards would be lost.

    Args:
        source: The live model.
        target: The model rebuilt from it, with weights.
        without_expansion: Classes whose `expansion` was taken away on purpose.

    Raises:
        ValueError: If a setting cannot be carried over; the error names the layer and it.
    """
    live = LiveObjects([source, target])
    # From the inside out: the config of a layer can show settings of its parts.
    pairs = ModelTree(source).twins(ModelTree(target))[::-1]
    skipped = [
        {"expansion"} if original_class(twins.first) in without_expansion else set()
        for twins in pairs
    ]
    for twins, names in zip(pairs, skipped, strict=True):
        as_before = isinstance(twins.first, ReparamLayer) == isinstance(twins.second, ReparamLayer)
        if as_before and not names:
            _copy_attributes(twins)
    # Mostly all are equal by now, which is seen at once.
    configs = _configs(pairs, live)
    for twins, names, (expected, found) in zip(pairs, skipped, configs, strict=True):
        if _different(expected, found, names):
            _copy_config(twins, live, names)
        _copy_penalties(twins)


def _copy_attributes(twins: Twins) -> None:
    """Public attributes that both have, of plain values, also if no config mentions them."""
    first, second = vars(twins.first), vars(twins.second)
    for name in first.keys() & second.keys() - _of_every_model():
        if (
            not name.startswith("_")
            and _is_plain(first[name])
            and _is_plain(second[name])
            and not same(first[name], second[name])
        ):
            setattr(twins.second, name, first[name])


@functools.cache
def _of_every_model() -> frozenset[str]:
    return frozenset(vars(keras.Model(name="any")))


def _copy_config(twins: Twins, live: LiveObjects, skipped: set[str]) -> None:
    # Anew: a part may have been given its settings meanwhile.
    ((expected, found),) = _configs([twins], live)
    for name in _different(expected, found, skipped):
        for attribute in (name, f"_{name}"):
            value = vars(twins.first).get(attribute, _MISSING)
            if value is not _MISSING and not _has_state(value):
                setattr(twins.second, attribute, value)
        # Keras writes some arguments only where they were given: to lack one is no difference.
        now = _configs([twins], live)[0][1].get(name, expected[name])
        if not same(expected[name], now):
            raise ValueError(
                f"Layer '{twins.path}' has {name}={expected[name]!r}, but rebuilt from the model's "
                f"config {name}={now!r}. Give it as an argument to the class that makes the "
                "layer, and write that into its `get_config`."
            )


def _different(expected: dict[str, Any], found: dict[str, Any], skipped: set[str]) -> list[str]:
    """Names of the settings that differ."""
    return [
        name
        for name in expected.keys() - skipped - _ELSEWHERE
        if not same(expected[name], found.get(name, _MISSING))
    ]


def _configs(
    pairs: Sequence[Twins], live: LiveObjects
) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    """The configs of both twins, as a layer like the second; empty where one writes none."""
    layers = [x for twins in pairs for x in (twins.first, twins.second)]
    found = live.settings((layer, original_class(layer)) for layer in layers)
    second = [twins.second for twins in pairs for _ in range(2)]
    configs = list(map(_as_of, found, layers, second))
    return list(zip(configs[::2], configs[1::2], strict=True))


def _as_of(
    config: dict[str, Any] | None, layer: keras.layers.Layer, like: keras.layers.Layer
) -> dict[str, Any]:
    """The config of a layer as a layer like the other."""
    if config is None:
        return {}
    if isinstance(layer, ReparamLayer) and not isinstance(like, ReparamLayer):
        config = layer.merged_config(config)
    in_graph = isinstance(layer, keras.Sequential) or hasattr(layer, "_inputs_struct")
    return {key: x for key, x in config.items() if not (in_graph and key in _GRAPH)}


def _copy_penalties(twins: Twins) -> None:
    """What acts on the variables: it is given to them when they are made, and may be changed."""
    if isinstance(twins.first, ReparamLayer) or isinstance(twins.second, ReparamLayer):
        return
    first, second = (x._trainable_variables for x in (twins.first, twins.second))
    for a, b in zip(first, second, strict=False):
        b.regularizer, b.constraint = a.regularizer, a.constraint


def _is_plain(value: Any) -> bool:
    if isinstance(value, list | tuple):
        return all(map(_is_plain, value))
    if isinstance(value, dict):
        return all(map(_is_plain, value.values()))
    return isinstance(value, _PLAIN)


def _has_state(value: Any) -> bool:
    stateful = (
        keras.layers.Layer,
        keras.Variable,
        keras.Metric,
        keras.Optimizer,
        keras.random.SeedGenerator,
    )
    return any(isinstance(x, stateful) or keras.ops.is_tensor(x) for x in keras.tree.flatten(value))


def same(first: Any, second: Any) -> bool:
    if isinstance(first, np.ndarray) or isinstance(second, np.ndarray):
        return np.array_equal(first, second)
    if isinstance(first, dict) and isinstance(second, dict):
        return first.keys() == second.keys() and all(same(x, second[k]) for k, x in first.items())
    if isinstance(first, list | tuple) and isinstance(second, list | tuple):
        return len(first) == len(second) and all(map(same, first, second))
    return first is second or bool(first == second)
