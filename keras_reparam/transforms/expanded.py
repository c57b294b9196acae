"""Keeps the training forms of layers that their owner's config does not mention.

A Functional or Sequential model's config lists its layers, expanded ones among them. A subclassed
model, a composite layer or a KerasHub backbone writes only its own arguments; rebuilt from them
it would have plain layers again, and what was trained would be lost. Such an object becomes an
instance of a subclass of its own class whose config is the original config plus the list of its
expanded layers, and which expands those again when it is loaded.
"""

import contextlib
from collections.abc import Iterator
from typing import Any

import keras

from keras_reparam.layers import HRF, ReparamConfig, ReparamLayer
from keras_reparam.layers.saving import recording_configs
from keras_reparam.pruning import Pruning
from keras_reparam.transforms.linear_layers import LOCK, walk
from keras_reparam.transforms.live_objects import LiveObjects

_SUBCLASSES: dict[type, type] = {}


@keras.saving.register_keras_serializable(package="keras_reparam", name="Expanded")
class Expanded:
    """Mixin of the subclasses: their config is the object's own, its expanded and frozen layers."""

    def get_config(self) -> dict[str, Any]:
        with _as_original_class(self):
            base = keras.saving.serialize_keras_object(self)
        base.pop("compile_config", None)
        sites, frozen = [], []
        for index, (path, layer) in enumerate(walk(self)):
            if not layer._trainable:
                frozen.append(index)
            if isinstance(layer, ReparamLayer):
                # The layer's own config is asked for so that it counts as described.
                layer.get_config()
                sites.append(
                    {
                        "index": index,
                        "path": path,
                        # Not as an object of its own: Keras would take two of equal address,
                        # one after the other, for one.
                        "method": keras.saving.get_registered_name(layer.method_class),
                        "options": layer.method.get_config(),
                        "pruning": layer.pruning,
                        "build_config": layer.get_build_config(),
                    }
                )
        return {"base": base, "sites": sites, "frozen": frozen}

    def __reduce__(self) -> Any:
        # Pickle finds a class by its name, and these subclasses have none; the method that
        # restores a model from its bytes is every model's.
        return (keras.Model._unpickle_model, super().__reduce__()[1])

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        instance = keras.saving.deserialize_keras_object(config["base"])
        layers = [layer for _, layer in walk(instance)]
        for site in config["sites"]:
            layer = layers[site["index"]] if site["index"] < len(layers) else None
            method = _method(site)
            if isinstance(layer, ReparamLayer):
                # Made so by the object's own code, which knows of no quantizer.
                quantizer = getattr(method, "kernel_quantizer", None)
                if quantizer is not None and quantizer != layer.kernel_quantizer:
                    layer.quantize_kernel(quantizer)
                _prune(layer, site)
                continue
            if layer is None or type(layer) not in method.training_classes:
                raise ValueError(
                    f"The saved model was expanded at '{site['path']}', but where that layer "
                    f"should be, the rebuilt {type(instance).__name__} has {layer}. Was the "
                    "class changed since the model was saved?"
                )
            if not layer.built:
                layer.build_from_config(site["build_config"])
            method.training_classes[type(layer)].adopt(layer, method)
            _prune(layer, site)
        for index in config["frozen"]:
            layers[index].trainable = False
        _become_expanded(instance)
        return instance


def _method(site: dict[str, Any]) -> ReparamConfig:
    # Files from before there was a second method name none.
    method = keras.saving.get_registered_object(site["method"]) if "method" in site else HRF
    return method.from_config(site["options"])


def _prune(layer: ReparamLayer, site: dict[str, Any]) -> None:
    # Files from before there was pruning have none.
    pruning = Pruning.of(site.get("pruning"))
    if pruning is not None and layer.pruning is None:
        layer.prune_kernel(pruning)


def protect(root: keras.layers.Layer) -> None:
    """Makes sure that the config of `root` and of every layer below describes its expanded ones."""
    inside = {id(layer) for _, layer in walk(root) if isinstance(layer, ReparamLayer)}
    if not inside or isinstance(root, ReparamLayer):
        return
    described = _described(root)
    if described is None or inside <= described:
        return
    for child in root._flatten_layers(include_self=False, recursive=False):
        protect(child)
    described = _described(root)
    assert described is not None  # nor was it above
    if not inside <= described:
        _become_expanded(root)


def original_class(layer: keras.layers.Layer) -> type:
    """The class of an object before it was made to keep its factors."""
    cls = type(layer)
    return cls.__mro__[2] if isinstance(layer, Expanded) else cls


def _described(layer: keras.layers.Layer) -> set[int] | None:
    """The ids of the expanded layers in the layer's config; `None` if it cannot write one at all.

    Such a layer can only be saved as part of a larger object that rebuilds it.
    """
    with recording_configs() as seen:
        try:
            LiveObjects([layer]).serialize(layer)
        except Exception:
            return None
    return seen


def _become_expanded(layer: keras.layers.Layer) -> None:
    base = type(layer)
    if issubclass(base, Expanded):
        return
    if base not in _SUBCLASSES:
        # The same name: weights in a file and error messages go by it.
        members = {"__module__": base.__module__, "__qualname__": base.__qualname__}
        subclass = type(base.__name__, (Expanded, base), members)
        register = keras.saving.register_keras_serializable("keras_reparam", "Expanded")
        _SUBCLASSES[base] = register(subclass)
    object.__setattr__(layer, "__class__", _SUBCLASSES[base])


@contextlib.contextmanager
def _as_original_class(layer: Any) -> Iterator[None]:
    with LOCK:
        expanded = type(layer)
        object.__setattr__(layer, "__class__", original_class(layer))
        try:
            yield
        finally:
            object.__setattr__(layer, "__class__", expanded)
