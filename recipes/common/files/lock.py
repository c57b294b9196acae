"""One writer at a time."""

import contextlib
import time
from collections.abc import Iterator
from pathlib import Path

_ASK_AGAIN = 0.2


@contextlib.contextmanager
def exclusive(folder: Path, *, patience: float = 0.0) -> Iterator[None]:
    """Holds the folder's lock. It ends with the process, however the process ends.

    Args:
        folder: Which one.
        patience: How many seconds to wait for another process that holds it.

    Raises:
        BlockingIOError: If another process holds it.
    """
    # Unix alone has it; what was written can be read everywhere.
    import fcntl

    end = time.monotonic() + patience
    with (folder / ".lock").open("a") as file:
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() >= end:
                    raise BlockingIOError(
                        f"Another process is writing '{folder}'. Wait until it has ended, or "
                        "choose another folder."
                    ) from None
            time.sleep(_ASK_AGAIN)
        yield
