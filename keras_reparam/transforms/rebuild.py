"""Copies of models: rebuilt from the config, with the state and settings of the live one."""

import warnings
from collections.abc import Callable, Iterator
from typing import Any

import keras

from keras_reparam import _keras
from keras_reparam.transforms.keras_errors import innermost_message
from keras_reparam.transforms.linear_layers import walk
from keras_reparam.transforms.live_objects import LiveObjects
from keras_reparam.transforms.model_input import input_spec
from keras_reparam.transforms.model_tree import ModelTree, Twins, kind


def check_model(model: Any) -> None:
    """Raises a clear error unless `model` is a built Keras model."""
    if not isinstance(model, keras.Model):
        raise TypeError(f"Expected a `keras.Model`. Received: {model!r} of type {type(model)}")
    if not model.built:
        raise ValueError(
            f"Model '{model.name}' must have its weights before it can be transformed. Build it, "
            "or call it on data, first."
        )


def rebuild(
    model: keras.Model,
    *,
    edit: Callable[[Any], Any] | None = None,
    policy: str | None = None,
) -> keras.Model:
    """A model from the config of another, with its shapes, names and flags and fresh weights.

    Classes, functions and what else has no state are the live model's own, whether Keras knows
    their names or not. Weights are copied by `copy_weights`, settings that the config does not
    hold by `copy_settings`.

    Args:
        model: A built model; it is left as it is.
        edit: Changes the serialized config, e.g. to other kinds of layers.
        policy: dtype policy of layers whose config names none. `None`: that of `model`, whose
            layers' policies must then all come back.

    Raises:
        ValueError: If the model, or a layer in it, does not write a config, or a model rebuilt
            from it is another one.
    """
    live = LiveObjects([model])
    try:
        config = live.serialize(model)
    except (NotImplementedError, TypeError) as error:
        raise ValueError(
            f"Model '{model.name}' cannot be copied because it does not write its config: "
            f"implement `get_config` in {type(model).__name__} and its layers. "
            f"({innermost_message(error)})"
        ) from error
    _check_graphs(config)
    if edit is not None:
        config = edit(config)
    global_policy = keras.config.dtype_policy()
    # Layers that a class creates without naming a dtype take the global one of that moment.
    keras.config.set_dtype_policy(model.dtype_policy if policy is None else policy)
    try:
        with warnings.catch_warnings():
            # What has no `build` of its own is built part by part below.
            warnings.filterwarnings("ignore", message=r".*`build\(\)` was called on layer")
            warnings.filterwarnings("ignore", message=r".*had a build config, but the model cannot")
            rebuilt = live.deserialize(config)
            _build_like(model, rebuilt)
    except Exception as error:
        raise ValueError(
            f"Model '{model.name}' cannot be rebuilt from its config. See that the `get_config` of "
            "its own classes matches their `__init__`, and that `from_config` makes the objects "
            f"that are in it. ({innermost_message(error)})"
        ) from error
    finally:
        keras.config.set_dtype_policy(global_policy)
    for twins in ModelTree(model).twins(ModelTree(rebuilt)):
        _copy_names_and_flags(twins)
        if policy is None:
            _check_policy(twins)
    return rebuilt


def _check_graphs(config: Any) -> None:
    """Raises an error for a layer in the graphs of two models: Keras takes their nodes for one."""
    found: dict[int, str] = {}
    for path, layer in _graph_layers(config, ""):
        shared_id = layer.get("shared_object_id")
        if shared_id in found:
            raise ValueError(
                f"'{found[shared_id]}' and '{path}' are one shared layer in the graphs of two "
                "models, one of them inside the other; rebuilt, they would be two. Put the layer "
                "into one model and call that in both places, or expand the inner model by itself."
            )
        if shared_id is not None:
            found[shared_id] = path


def _graph_layers(config: Any, prefix: str) -> Iterator[tuple[str, dict[str, Any]]]:
    if isinstance(config, list | tuple):
        for item in config:
            yield from _graph_layers(item, prefix)
    elif isinstance(config, dict):
        in_graph = "input_layers" in config and "output_layers" in config
        for key, value in config.items():
            if not in_graph or key != "layers":
                yield from _graph_layers(value, prefix)
                continue
            for layer in value:
                yield prefix + layer["name"], layer
                yield from _graph_layers(layer, f"{prefix}{layer['name']}/")


def _build_like(source: keras.Model, target: keras.Model) -> None:
    """Builds what is built in the source, on the shapes that it was built with."""
    # The walk goes on into what a build has just created.
    for (_, first), (_, second) in zip(walk(source), walk(target), strict=False):
        if kind(first).__name__ != kind(second).__name__:
            break
        config = first.get_build_config()
        if first.built and not second.built and config:
            second.build_from_config(config)
    pairs = ModelTree(source).twins(ModelTree(target), complete=False)
    if not target.built or any(x.first.built and not x.second.built for x in pairs):
        target(*input_spec(source))


def _copy_names_and_flags(twins: Twins) -> None:
    """Layers that named themselves (`dense_7`) get their names back, and frozen ones their flags.

    So do adapters, and the scopes (`keras.RematScope`) that the layers were made in.
    """
    first, second = twins.first, twins.second
    second.name = first.name
    second._remat_mode = first._remat_mode
    if getattr(first, "lora_enabled", False) and not getattr(second, "lora_enabled", False):
        second.enable_lora(first.lora_rank, lora_alpha=first.lora_alpha)
    second._trainable = first._trainable
    for a, b in zip(first._trainable_variables, second._trainable_variables, strict=False):
        b.trainable = a.trainable


def _check_policy(twins: Twins) -> None:
    # An InputLayer computes nothing; it has the global policy of the moment it was made.
    is_input = isinstance(twins.first, keras.layers.InputLayer)
    policies = [layer.dtype_policy.name for layer in (twins.first, twins.second)]
    if not is_input and policies[0] != policies[1]:
        raise ValueError(
            f"Layer '{twins.path}' computes in {policies[0]}, but rebuilt from the model's config "
            f"in {policies[1]}: write its dtype into the config."
        )


def copy_weights(source: keras.Model, target: keras.Model) -> None:
    """Copies weights, statistics and vocabularies the way Keras saves and loads them.

    States that Keras's files leave out are copied too: those of random generators and of
    recurrent layers, and adapters that a file would hold as part of the kernel.
    """
    assets = any(hasattr(layer, "save_assets") for _, layer in ModelTree(source).layers)
    errors = _keras.copy_saved_state(source, target, assets=assets)
    if errors:
        layer, error = errors[0]
        raise ValueError(
            f"The weights of '{source.name}' do not fit the model rebuilt from its config; the "
            f"first that does not is '{layer.name}'. ({innermost_message(error)})"
        )
    for twins in ModelTree(source).twins(ModelTree(target), complete=False):
        for first, second in zip(_left_out(twins.first), _left_out(twins.second), strict=False):
            # By value: JAX gives the buffers of a model in training away.
            second.assign(keras.ops.convert_to_numpy(first.value).copy())


def _left_out(layer: keras.layers.Layer) -> list[Any]:
    """The variables of a layer that a file does not hold as they are."""
    variables = [generator.state for generator in layer._seed_generators]
    variables += keras.tree.flatten(getattr(layer, "states", None) or [])
    if getattr(layer, "lora_enabled", False):
        variables += layer._trainable_variables + layer._non_trainable_variables
    return [x for x in variables if isinstance(x, keras.Variable)]


def copy_compile_state(source: keras.Model, target: keras.Model) -> None:
    """Compiles `target` with the loss and metrics of `source` and a fresh optimizer, if it can.

    So are the models inside.
    """
    for twins in ModelTree(source).twins(ModelTree(target)):
        arguments = _keras.compile_arguments(twins.first)
        if arguments is not None:
            _compile(twins.second, arguments)


def _compile(target: keras.Model, arguments: dict[str, Any]) -> None:
    try:
        for name in ("optimizer", "metrics", "weighted_metrics"):
            arguments[name] = keras.tree.map_structure(_fresh, arguments[name])
        target.compile(**arguments)
    except Exception as error:
        warnings.warn(
            f"'{target.name}' is returned uncompiled: the compile state of the model it was made "
            f"from could not be copied ({innermost_message(error)}). Call `compile` on it.",
            stacklevel=4,
        )


def _fresh(argument: Any) -> Any:
    """Optimizers and metrics have states of their own; everything else can be shared."""
    if isinstance(argument, keras.optimizers.Optimizer | keras.metrics.Metric):
        live = LiveObjects([argument])
        return live.deserialize(live.serialize(argument))
    return argument
