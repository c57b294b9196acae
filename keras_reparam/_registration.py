"""Registers the layers with Keras as soon as there is a Keras, without importing it."""

import importlib
import importlib.abc
import sys
import threading
from collections.abc import Callable
from typing import Any

# Importing them registers their classes: all of ours, which a test compares with the code.
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
    "pruning",
    "quantizers",
    "transforms",
)
_PACKAGE = __name__.partition(".")[0]


def register_with_keras() -> None:
    """`keras.saving.load_model` knows our classes, whatever is imported first, and by what.

    With Keras imported already that costs milliseconds now. Otherwise it happens at the end of
    `import keras`, so that a program which never imports Keras does not pay for it; or, if one of
    our modules is what imports Keras, at the end of that module's import.
    """
    if "keras" in sys.modules:
        _register()
    elif not any(isinstance(finder, _Imports) for finder in sys.meta_path):
        sys.meta_path.insert(0, _Imports())


def _register() -> None:
    for name in _MODULES:
        importlib.import_module(f"{_PACKAGE}.{name}")
    # Not before there is a Keras.
    from keras_reparam import _keras

    _keras.name_package_in_files(_PACKAGE)


class _Imports(importlib.abc.MetaPathFinder):
    """Sees the imports of Keras and of our modules, which the usual finders do.

    Registers, and steps aside, once Keras is there and none of our modules is half imported.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._ours = 0

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> Any:
        ours = name.startswith(f"{_PACKAGE}.")
        if not ours and name != "keras":
            return None
        finders = (finder for finder in sys.meta_path if finder is not self)
        specs = (finder.find_spec(name, path, target) for finder in finders)
        spec = next(filter(None, specs), None)
        if spec is not None and spec.loader is not None:
            execute = self._observed(spec.loader.exec_module, ours)
            spec.loader.exec_module = execute  # pyright: ignore[reportAttributeAccessIssue]
        return spec

    def _observed(self, execute: Callable[[Any], None], ours: bool) -> Callable[[Any], None]:
        def execute_and_register(module: Any) -> None:
            with self._lock:
                self._ours += ours
            try:
                execute(module)
            finally:
                with self._lock:
                    self._ours -= ours
            if self._stepped_aside(ours):
                _register()

        return execute_and_register

    def _stepped_aside(self, ours: bool) -> bool:
        with self._lock:
            # Keras itself has just been imported if it isn't one of ours.
            if self._ours or (ours and not _keras_is_there()) or self not in sys.meta_path:
                return False
            sys.meta_path.remove(self)
            return True


def _keras_is_there() -> bool:
    """Whether Keras is imported, and not half: another thread may be about it."""
    keras = sys.modules.get("keras")
    return keras is not None and not getattr(keras.__spec__, "_initializing", False)
