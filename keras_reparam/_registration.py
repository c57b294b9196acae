"""Registers the layers with Keras as soon as there is a Keras, without importing it."""

import importlib
import importlib.abc
import importlib.util
import sys
from collections.abc import Callable
from typing import Any

# Importing them registers their classes.
_MODULES = (
    "audio.log_mel",
    "audio.mix_up",
    "audio.random_gain",
    "audio.random_noise",
    "audio.random_polarity",
    "audio.random_speed",
    "audio.random_time_shift",
    "audio.spec_augment",
    "layers",
    "models.registry",
    "transforms",
)


def register_with_keras() -> None:
    """`keras.saving.load_model` knows our classes, whichever of the two is imported first.

    With Keras imported already that costs milliseconds now. Otherwise it happens at the end of
    `import keras`, so that a program which never imports Keras does not pay for it.
    """
    if "keras" in sys.modules:
        _register()
    elif not any(isinstance(finder, _AfterKeras) for finder in sys.meta_path):
        sys.meta_path.insert(0, _AfterKeras())


def registering(resolve: Callable[[str], Any]) -> Callable[[str], Any]:
    """A package's lazy `__getattr__` that registers all classes if it was what imported Keras."""

    def __getattr__(name: str) -> Any:
        value = resolve(name)
        register_with_keras()
        return value

    return __getattr__


def _register() -> None:
    # When one of our modules is what imports Keras, its own import must be finished first; the
    # package then asks again.
    if not _importing():
        for name in _MODULES:
            importlib.import_module(f"keras_reparam.{name}")


def _importing() -> bool:
    return any(
        name.startswith("keras_reparam.") and getattr(module.__spec__, "_initializing", False)
        for name, module in [*sys.modules.items()]
        if module is not None
    )


class _AfterKeras(importlib.abc.MetaPathFinder):
    """Stands before the import of Keras once, and lets the usual finders do it."""

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> Any:
        if name != "keras":
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(name)
        if spec is not None and spec.loader is not None:
            execute = spec.loader.exec_module

            def execute_and_register(module: Any) -> None:
                execute(module)
                _register()

            spec.loader.exec_module = execute_and_register
        return spec
