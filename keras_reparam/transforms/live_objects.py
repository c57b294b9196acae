"""Serialized configs in which a model's own classes and functions stay what they are.

A config names classes and functions, and names do not tell two apart: two classes `Block`, two
local functions, a class that was defined again. Rebuilding a model that is at hand needs no
names: what Keras would not find, or not surely, by its name is written into the config as a
reference to the live object.
"""

import contextlib
import types
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import keras

from keras_reparam import _keras
from keras_reparam.transforms.linear_layers import LOCK

# Without a state of their own: those of the user's own classes are used again as they are.
_STATELESS = (
    keras.Initializer,
    keras.Regularizer,
    keras.constraints.Constraint,
    keras.losses.Loss,
    keras.optimizers.schedules.LearningRateSchedule,
)
_PREFIX = "keras_reparam.live>"


def live_name(thing: Any) -> str:
    """The name of a class or function in the configs of `LiveObjects`.

    It is the registered one where Keras finds exactly this object by it.
    """
    name = keras.saving.get_registered_name(thing)
    ours = name.startswith("keras_reparam>")
    known = keras.saving.get_custom_objects().get(name) is thing
    return name if ours or known or _is_keras(thing) else _reference(thing)


class LiveObjects:
    """Serializes and rebuilds objects, resolving each class and function to the live one.

    Args:
        objects: The live objects: layers, or what a model was compiled with.
    """

    def __init__(self, objects: Iterable[Any]) -> None:
        self._objects = list(objects)
        # By reference; also keeps them alive, so that no id is given twice.
        self._custom_objects: dict[str, Any] = {}

    def serialize(self, thing: Any) -> Any:
        """The serialized config, without compile states.

        Every layer in it has an id, so that a layer found in several places is rebuilt as one.
        """
        with self._references(self._note):
            return keras.saving.serialize_keras_object(thing)

    def settings(
        self, layers: Iterable[tuple[keras.layers.Layer, type]]
    ) -> list[dict[str, Any] | None]:
        """The config that a class writes of each layer, without the layers in it.

        `None` where it writes none. Preparing is what costs: ask for many at once.
        """
        with self._references(self._note_settings):
            return [_settings(layer, cls) for layer, cls in layers]

    def deserialize(self, config: Any) -> Any:
        """What a config of `serialize` describes, made anew from the live classes."""
        with _keras.sharing_objects():
            return keras.saving.deserialize_keras_object(
                config, custom_objects=self._custom_objects, safe_mode=False
            )

    def _note(self, thing: Any, config: dict[str, Any]) -> None:
        if isinstance(thing, keras.layers.Layer):
            # Models made on one tensor share its InputLayer; rebuilt, each has its own.
            if not isinstance(thing, keras.layers.InputLayer):
                config["shared_object_id"] = id(thing)
        elif _is_reused(thing):
            config["registered_name"] = self._refer(thing, _Reused(thing))
        elif isinstance(config["config"], str) and not isinstance(thing, types.FunctionType):
            # Something else that can be called, as compiled functions and methods are.
            config |= {"class_name": "function", "config": self._refer(thing, thing)}

    def _note_settings(self, thing: Any, config: dict[str, Any]) -> None:
        if isinstance(thing, (keras.layers.Layer, keras.random.SeedGenerator)):
            # Layers are compared by themselves, and generators have a state instead.
            config.clear()
        else:
            self._note(thing, config)

    def _refer(self, thing: Any, stands_for: Any) -> str:
        name = _reference(thing)
        self._custom_objects[name] = stands_for
        return name

    def _name(self, thing: Any) -> str:
        name = live_name(thing)
        if name.startswith(_PREFIX):
            self._refer(thing, thing)
            if isinstance(thing, type):
                # For classes whose own `from_config` looks others up by their names.
                self._custom_objects.setdefault(thing.__name__, thing)
        return name

    @contextlib.contextmanager
    def _references(self, note: Callable[[Any, dict[str, Any]], None]) -> Iterator[None]:
        """Within it, Keras's own serialization refers to live objects, in this thread."""
        with LOCK, contextlib.ExitStack() as stack:
            for thing in _unwritable(self._objects):
                stack.enter_context(thing)
            stack.enter_context(_keras.serialization_by(self._name, note))
            yield


def _settings(layer: keras.layers.Layer, cls: type) -> dict[str, Any] | None:
    try:
        return _keras.serialize_dict(cls.get_config(layer))
    except Exception:
        # Only what is around it is rebuilt from a config.
        return None


class _Reused:
    """Stands where a class does: what is rebuilt of it is the live object itself."""

    def __init__(self, thing: Any) -> None:
        self._thing = thing

    def from_config(self, config: dict[str, Any]) -> Any:
        return self._thing


def _unwritable(objects: list[Any]) -> Iterator[contextlib.AbstractContextManager]:
    """Contexts in which what Keras refuses to write, though it is at hand, can be written."""
    for thing in _reachable(objects):
        if isinstance(thing, types.FunctionType):
            if thing.__name__ == "<lambda>":
                # Keras writes the code of a lambda, without its globals; others by their names.
                yield _replaced(thing, "__name__", "lambda")
        elif isinstance(thing, keras.Model):
            # It may hold anything; it is copied by itself.
            yield _replaced(thing, "get_compile_config", lambda: None)
        elif _is_reused(thing):
            yield _replaced(thing, "get_config", dict)
        if vars(thing).get("activation", ...) is None and not _writes_config(thing):
            # An activation taken off; Keras's own constructors make `linear` of None.
            yield _replaced(thing, "activation", keras.activations.linear)


def _reachable(objects: list[Any]) -> list[Any]:
    """The objects, and the functions and objects with a config among their attributes."""
    found: dict[int, Any] = {}
    stack = list(objects)
    while stack:
        thing = stack.pop()
        if isinstance(thing, dict):
            stack += thing.values()
        elif isinstance(thing, list | tuple | set):
            stack += thing
        elif id(thing) not in found and hasattr(thing, "__dict__") and not isinstance(thing, type):
            if isinstance(thing, types.FunctionType):
                found[id(thing)] = thing
            elif hasattr(thing, "get_config") or _is_reused(thing):
                found[id(thing)] = thing
                stack += [value for name, value in vars(thing).items() if name != "_tracker"]
    return list(found.values())


def _writes_config(thing: Any) -> bool:
    try:
        thing.get_config()
    except Exception:
        return False
    return True


@contextlib.contextmanager
def _replaced(thing: Any, name: str, value: Any) -> Iterator[None]:
    """An attribute of one object for a moment, past what Keras does when one is set."""
    if isinstance(thing, types.FunctionType):
        before, thing.__name__ = thing.__name__, value
        try:
            yield
        finally:
            thing.__name__ = before
        return
    missing = object()
    before = vars(thing).get(name, missing)
    vars(thing)[name] = value
    try:
        yield
    finally:
        if before is missing:
            del vars(thing)[name]
        else:
            vars(thing)[name] = before


def _reference(thing: Any) -> str:
    return f"{_PREFIX}{id(thing)}"


def _is_keras(thing: Any) -> bool:
    module = getattr(thing, "__module__", None) or ""
    return module == "builtins" or module.split(".")[0] == "keras"


def _is_reused(thing: Any) -> bool:
    """Whether a live object can stand in a copy as it is: settings, and what can only be called."""
    if isinstance(thing, _STATELESS):
        return not _is_keras(type(thing))
    named = hasattr(thing, "__name__") or hasattr(type(thing), "get_config")
    if named or not callable(thing) or not hasattr(thing, "__dict__"):
        return False
    return not any(
        isinstance(x, (keras.layers.Layer, keras.Variable)) for x in vars(thing).values()
    )
