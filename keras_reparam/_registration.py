"""Registers the layers with Keras as soon as there is a Keras, without importing it."""

import importlib
import importlib.abc
import importlib.util
import sys
from typing import Any

# Importing them registers their classes.
_MODULES = ("audio", "layers", "models", "transforms")


def register_with_keras() -> None:
    """`keras.saving.load_model` knows our classes, whichever of the two is imported first.

    With Keras imported already that costs milliseconds now. Otherwise it happens at the end of
    `import keras`, so that a program which never imports Keras does not pay for it.
    """
    if "keras" in sys.modules:
        _register()
    else:
        sys.meta_path.insert(0, _AfterKeras())


def _register() -> None:
    for name in _MODULES:
        importlib.import_module(f"keras_reparam.{name}")


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
