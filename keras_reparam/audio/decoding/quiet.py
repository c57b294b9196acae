"""What libmpg123 prints, kept off the screen."""

import contextlib
import os
import re
import tempfile
import threading
from collections.abc import Iterator

_STDERR = 2
_REMARK = re.compile(
    rb"(?m)^\n?(\[src/libmpg123/"
    rb"|Warning: (Xing stream|Encountered more data|Big change|Real sample count)"
    rb"|Note: (Illegal|Trying to|Hit end of|Skipped|Junk|Looks like|Could be|Xing)"
    rb")[^\n]*\n"
)

_lock = threading.Lock()


@contextlib.contextmanager
def quiet_mpg123() -> Iterator[None]:
    """Takes libmpg123's remarks, which no option turns off, out of what is printed meanwhile.

    To be held for moments. A file descriptor belongs to the whole process: threads take turns,
    and what others print meanwhile is printed when it ends.
    """
    with _lock, contextlib.ExitStack() as stack:
        try:
            caught = stack.enter_context(tempfile.TemporaryFile())
            screen = os.dup(_STDERR)
        except OSError:
            # No standard error, or no folder for temporary files: let it print.
            yield
            return
        os.dup2(caught.fileno(), _STDERR)
        try:
            yield
        finally:
            os.dup2(screen, _STDERR)
            os.close(screen)
            caught.seek(0)
            others = _REMARK.sub(b"", caught.read())
            if others:
                os.write(_STDERR, others)
