"""Copies of models: rebuilt from the config, weights moved by Keras's own save and load."""

import pathlib
import tempfile
import warnings
from typing import Any

import keras

from keras_reparam.transforms.expanded import original_class
from keras_reparam.transforms.linear_layers import walk
from keras_reparam.transforms.model_input import input_spec


def check_model(model: Any) -> None:
    """Raises a clear error unless `model` is a built Keras model."""
    if not isinstance(model, keras.Model):
        raise TypeError(f"Expected a `keras.Model`. Received: {model!r} of type {type(model)}")
    if not model.built or any(not layer.built for _, layer in walk(model)):
        unbuilt = [path for path, layer in walk(model) if not layer.built]
        raise ValueError(
            f"Model '{model.name}' must have its weights before it can be transformed. Build it, "
            f"or call it on data, first. Without weights: {unbuilt[:5] or [model.name]}"
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
            f"implement `get_config` in {type(model).__name__} and its layers. ({error})"
        ) from error
    config.pop("compile_config", None)
    return config


def build_from(config: dict[str, Any], like: keras.Model) -> keras.Model:
    """A model from a config, built on the input of `like`, with fresh weights."""
    custom_objects = {
        keras.saving.get_registered_name(original_class(layer)): original_class(layer)
        for layer in [like, *(layer for _, layer in walk(like))]
        if not original_class(layer).__module__.startswith("keras.")
    }
    try:
        with warnings.catch_warnings():
            # Composite layers without a `build` of their own are built by the call below.
            warnings.filterwarnings("ignore", message=r".*`build\(\)` was called on layer")
            model = keras.saving.deserialize_keras_object(
                config, custom_objects=custom_objects, safe_mode=False
            )
    except TypeError as error:
        raise ValueError(
            f"Model '{like.name}' cannot be rebuilt from its config. Decorate its own classes and "
            "functions with `@keras.saving.register_keras_serializable()`, and see that their "
            f"`get_config` matches `__init__`. ({error})"
        ) from error
    if not model.built or any(not layer.built for _, layer in walk(model)):
        # Layers without a `build` of their own get their weights in the first call.
        model(*input_spec(like))
    _copy_names(like, model)
    return model


def _copy_names(source: keras.Model, target: keras.Model) -> None:
    """Gives layers that named themselves (`dense_7`) the names they have in the source."""
    for (_, first), (_, second) in zip(walk(source), walk(target), strict=False):
        second.name = first.name


def copy_weights(source: keras.Model, target: keras.Model) -> None:
    """Copies weights and statistics the way Keras saves and loads them, and random states."""
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "model.weights.h5"
        source.save_weights(path)
        target.load_weights(path)
    # Keras's files leave out the states of seed generators. Copied by value: JAX gives the
    # buffers of a model in training away.
    for first, second in zip(_seed_generators(source), _seed_generators(target), strict=True):
        second.state.assign(keras.ops.convert_to_numpy(first.state.value).copy())


def _seed_generators(model: keras.Model) -> list[keras.random.SeedGenerator]:
    layers = [model, *(layer for _, layer in walk(model))]
    return [generator for layer in layers for generator in layer._seed_generators]


def copy_compile_state(source: keras.Model, target: keras.Model) -> None:
    """Compiles `target` with the loss, metrics and a fresh optimizer of `source`, if it can."""
    if source.compiled:
        config = source.get_compile_config()
        if config:
            target.compile_from_config(config)
