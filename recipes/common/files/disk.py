"""A full disk, explained."""

import contextlib
import errno
from collections.abc import Iterator


@contextlib.contextmanager
def explaining_a_full_disk(what: str) -> Iterator[None]:
    """Turns the system's error of a full disk into one that says what to do.

    Args:
        what: What did not fit, and where.
    """
    try:
        yield
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        raise OSError(
            error.errno,
            f"No space left for {what}. What was done is kept: make room, and run the same "
            "command again",
        ) from error
