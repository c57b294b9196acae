"""Copies of models: rebuilt from the config, weights moved by Keras's own save and load."""

import io
import warnings
from typing import Any

import keras
from keras.src.saving import saving_lib

from keras_reparam.transforms.expanded import original_class
from keras_reparam.transforms.linear_layers import walk
from keras_reparam.transforms.model_input import input_spec


def check_model(model: Any) -> None:
    """Raises a clear error unless `model` is a built Keras model."""
    if not isinstance(model, keras.Model):
        raise TypeError(f"Expected a `keras.Model`. Received: {model!r} of type {type(model)}")
    if not model.built:
        raise ValueError(
            f"Model '{model.name}' must have its weights before it can be transformed. Build it, "
            "or call it on data, first."
        )


def config_of(model: keras.Model) -> dict[str, Any]:
    """The model's serialized config, without its compile state.

    Raises:
        ValueError: If the model, or a layer in it, does not write a config.
    """
    try:
        config = keras.saving.serialize_keras_object(model)
    except (NotImplementedError, TypeError) as error:
        raise ValueError(
            f"Model '{model.name}' cannot be copied because it does not write its config: "
            f"implement `get_config` in {type(model).__name__} and its layers. "
            f"({_first_line(error)})"
        ) from error
    config.pop("compile_config", None)
    return config


def build_from(
    config: dict[str, Any], like: keras.Model, *, policy: str | None = None
) -> keras.Model:
    """A model from a config, with the shapes, names and flags of `like` and fresh weights.

    Args:
        config: A serialized config, as `config_of` gives it.
        like: The model that the config is one of, or that it differs from in kinds of layers.
        policy: dtype policy of layers whose config names none. `None`: that of `like`, whose
            layers' policies must then all come back.
    """
    custom_objects = {
        keras.saving.get_registered_name(original_class(layer)): original_class(layer)
        for layer in [like, *(layer for _, layer in walk(like))]
        if not original_class(layer).__module__.startswith("keras.")
    }
    global_policy = keras.config.dtype_policy()
    # Layers that a class creates without naming a dtype take the global one of that moment.
    keras.config.set_dtype_policy(like.dtype_policy if policy is None else policy)
    try:
        with warnings.catch_warnings():
            # What has no `build` of its own is built part by part below.
            warnings.filterwarnings("ignore", message=r".*`build\(\)` was called on layer")
            warnings.filterwarnings("ignore", message=r".*had a build config, but the model cannot")
            model = keras.saving.deserialize_keras_object(
                config, custom_objects=custom_objects, safe_mode=False
            )
            _build_like(like, model)
    except (TypeError, ValueError, NotImplementedError) as error:
        raise ValueError(
            f"Model '{like.name}' cannot be rebuilt from its config. Decorate its own classes and "
            "functions with `@keras.saving.register_keras_serializable()`, and see that their "
            f"`get_config` matches `__init__`. ({_first_line(error)})"
        ) from error
    finally:
        keras.config.set_dtype_policy(global_policy)
    _copy_names_and_flags(like, model)
    if policy is None:
        _check_policies(like, model)
    return model


def _build_like(source: keras.Model, target: keras.Model) -> None:
    """Builds what is built in the source, on the shapes that it was built with."""
    # The walk goes on into what a build has just created.
    for (_, first), (_, second) in zip(walk(source), walk(target), strict=False):
        config = first.get_build_config()
        if first.built and not second.built and config:
            second.build_from_config(config)
    pairs = zip(walk(source), walk(target), strict=False)
    if not target.built or any(a.built and not b.built for (_, a), (_, b) in pairs):
        target(*input_spec(source))


def _copy_names_and_flags(source: keras.Model, target: keras.Model) -> None:
    """Gives layers that named themselves (`dense_7`) their names, and frozen ones their flags."""
    target.name = source.name
    for (_, first), (_, second) in zip(walk(source), walk(target), strict=False):
        second.name = first.name
        second._trainable = first._trainable
        for a, b in zip(first._trainable_variables, second._trainable_variables, strict=False):
            b.trainable = a.trainable


def _check_policies(source: keras.Model, target: keras.Model) -> None:
    for (path, first), (_, second) in zip(walk(source), walk(target), strict=False):
        # An InputLayer computes nothing; it has the global policy of the moment it was made.
        is_input = isinstance(first, keras.layers.InputLayer)
        if not is_input and first.dtype_policy.name != second.dtype_policy.name:
            raise ValueError(
                f"Layer '{path}' computes in {first.dtype_policy.name}, but rebuilt from the "
                f"model's config in {second.dtype_policy.name}: write its dtype into the config."
            )


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]


def copy_weights(source: keras.Model, target: keras.Model) -> None:
    """Copies weights and statistics the way Keras saves and loads them, and random states."""
    # What `save_weights` and `load_weights` do, but in memory: no disk can be full.
    stored = io.BytesIO()
    store = saving_lib.H5IOStore(stored, mode="w")
    saving_lib._save_state(source, store, None, "", set())
    store.close()
    store = saving_lib.H5IOStore(io.BytesIO(stored.getvalue()), mode="r")
    failed: set[int] = set()
    errors: dict[int, Any] = {}
    saving_lib._load_state(
        target, store, None, "", visited_saveables=set(), failed_saveables=failed, error_msgs=errors
    )
    store.close()
    if failed:
        layer, error = next(iter(errors.values()))
        raise ValueError(
            f"The weights of '{source.name}' do not fit the model rebuilt from its config; the "
            f"first that does not is '{layer.name}'. ({_first_line(error)})"
        )
    # Keras's files leave out the states of seed generators. Copied by value: JAX gives the
    # buffers of a model in training away.
    for first, second in zip(_seed_generators(source), _seed_generators(target), strict=True):
        second.state.assign(keras.ops.convert_to_numpy(first.state.value).copy())


def _seed_generators(model: keras.Model) -> list[keras.random.SeedGenerator]:
    layers = [model, *(layer for _, layer in walk(model))]
    return [generator for layer in layers for generator in layer._seed_generators]


def copy_compile_state(source: keras.Model, target: keras.Model) -> None:
    """Compiles `target` with the loss and metrics of `source` and a fresh optimizer, if it can."""
    if not source.compiled or not hasattr(source, "_compile_config"):
        return
    arguments = dict(source._compile_config.config)
    try:
        for name in ("optimizer", "metrics", "weighted_metrics"):
            arguments[name] = keras.tree.map_structure(_fresh, arguments[name])
        target.compile(**arguments)
    except Exception as error:
        warnings.warn(
            f"'{target.name}' is returned uncompiled: the compile state of the model it was made "
            f"from could not be copied ({_first_line(error)}). Call `compile` on it.",
            stacklevel=3,
        )


def _fresh(argument: Any) -> Any:
    """Optimizers and metrics have states of their own; everything else can be shared."""
    if isinstance(argument, keras.optimizers.Optimizer | keras.metrics.Metric):
        return type(argument).from_config(argument.get_config())
    return argument
