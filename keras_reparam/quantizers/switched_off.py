"""`switched_off`: layers compute with their latent kernels for a while."""

import contextlib
import contextvars
from collections.abc import Iterator

_OFF: contextvars.ContextVar[bool] = contextvars.ContextVar("keras_reparam_off", default=False)


@contextlib.contextmanager
def switched_off() -> Iterator[None]:
    """Within it, calls of layers use the latent kernels, as if there were no quantizers.

    It takes effect when a function is traced: what was traced before stays as it is.

    Example:

    >>> import keras_reparam as kr
    >>> layer = kr.layers.HRFDense(2, kernel_quantizer="ternary")
    >>> x = np.ones((1, 3), "float32")
    >>> quantized = layer(x)
    >>> with kr.quantizers.switched_off():
    ...     float(ops.max(ops.abs(layer(x) - quantized))) > 0
    True
    """
    token = _OFF.set(True)
    try:
        yield
    finally:
        _OFF.reset(token)


def is_switched_off() -> bool:
    """Whether quantizers are switched off here."""
    return _OFF.get()
