"""Everything private of Keras that this package uses, in one place.

Keras may change any of it between releases: `setup.py` bounds its version, and
`tests/test_keras_private.py` asserts each of these names and says what to do where one is gone.
"""

import contextlib
from collections.abc import Iterator
from typing import Any

import keras


@contextlib.contextmanager
def unlocked(layer: keras.layers.Layer) -> Iterator[None]:
    """Within it, a built layer takes variables, as Keras's own `enable_lora` lets it."""
    layer._tracker.unlock()
    try:
        yield
    finally:
        layer._tracker.lock()


def take_kernel_and_bias(layer: keras.layers.Layer) -> tuple[Any, Any]:
    """Takes a built plain layer's kernel and bias (or `None`) out of it and returns them."""
    name = "_kernel" if "_kernel" in layer.__dict__ else "kernel"
    kernel, bias = layer.__dict__.pop(name), layer.__dict__.pop("bias")
    for variable in (kernel, bias):
        if variable is not None:
            layer._untrack_variable(variable)
    return kernel, bias


def forget_instance_wrappers(layer: keras.layers.Layer) -> None:
    """Lets the methods of a layer's new class be found.

    Keras wraps these two methods of each instance at its creation, for the class it then was.
    """
    layer.__dict__.pop("build", None)
    layer.__dict__.pop("quantize", None)
