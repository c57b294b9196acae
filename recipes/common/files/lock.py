"""One writer at a time."""

import contextlib
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def exclusive(folder: Path) -> Iterator[None]:
    """Holds the folder's lock. It ends with the process, however the process ends.

    Raises:
        BlockingIOError: If another process holds it.
    """
    # Unix alone has it; what was written can be read everywhere.
    import fcntl

    with (folder / ".lock").open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise BlockingIOError(
                f"Another process is writing '{folder}'. Wait until it has ended, or "
                "choose another folder."
            ) from None
        yield
