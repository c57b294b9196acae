"""Keeps the logs of native libraries off the user's screen."""

import contextlib
import io
import os
import sys
import tempfile
import warnings
from collections.abc import Iterator
from typing import TextIO


@contextlib.contextmanager
def quiet() -> Iterator[TextIO]:
    """Within it nothing reaches standard error; after an exception everything does.

    TensorFlow, MLIR and LiteRT log from C++, past `sys.stderr`, so the file descriptor itself is
    redirected. That concerns the whole process: keep the block short.

    Yields:
        A text stream to the real standard error, for progress bars.
    """
    _flush()
    screen = os.dup(2)
    with contextlib.ExitStack() as stack, tempfile.TemporaryFile() as log:
        stack.callback(os.close, screen)
        progress = stack.enter_context(open(screen, "w", encoding="utf-8", closefd=False))
        stack.callback(os.dup2, screen, 2)
        stack.callback(_flush)
        os.dup2(log.fileno(), 2)
        python_log = io.StringIO()
        try:
            # Where sys.stderr isn't descriptor 2 (a notebook), Python's own logs go elsewhere.
            with contextlib.redirect_stderr(python_log), warnings.catch_warnings():
                warnings.simplefilter("ignore")
                yield progress
        except Exception:
            _flush()
            log.seek(0)
            text = log.read().decode("utf-8", "replace") + python_log.getvalue()
            progress.write(text)
            raise


def import_keras() -> str:
    """Imports Keras, starts its backend without the backend's logs, and returns its name."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    with quiet():
        import keras

        keras.ops.zeros(1)
    return keras.backend.backend()


def _flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError, AttributeError):
            stream.flush()
