"""One writer at a time."""

import contextlib
import math
from collections.abc import Iterator
from pathlib import Path

import filelock


@contextlib.contextmanager
def exclusive(folder: Path, *, patience: float = 0.0) -> Iterator[None]:
    """Holds the folder's lock. It ends with the process, however the process ends.

    Args:
        folder: Which one.
        patience: How many seconds to wait for another process that holds it; may be infinite.

    Raises:
        BlockingIOError: If another process holds it.
    """
    lock = filelock.FileLock(folder / ".lock", timeout=-1 if math.isinf(patience) else patience)
    try:
        lock.acquire()
    except filelock.Timeout:
        raise BlockingIOError(
            f"Another process is writing '{folder}'. Wait until it has ended, or choose another "
            "folder."
        ) from None
    try:
        yield
    finally:
        lock.release()
