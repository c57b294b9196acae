"""Files that are there whole or not at all."""

import contextlib
import io
import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path


def checked_target(path: str | os.PathLike, suffix: str, argument: str = "path") -> Path:
    """`path` as a `Path` that can be written, or an error before any work is done."""
    if not isinstance(path, str | os.PathLike):
        raise TypeError(
            f"`{argument}` must be a path (str or pathlib.Path). Received: {argument}={path!r} "
            f"of type {type(path).__name__}"
        )
    target = Path(path)
    if target.suffix != suffix:
        raise ValueError(f"`{argument}` must end with '{suffix}'. Received: {argument}='{target}'")
    if target.is_dir():
        raise IsADirectoryError(
            f"`{argument}` must name a file, and this is a directory: '{target}'"
        )
    if not target.parent.is_dir():
        raise FileNotFoundError(
            f"There is no directory '{target.parent}' to write '{target.name}' into. Create it "
            "first."
        )
    if not os.access(target.parent, os.W_OK | os.X_OK):
        raise PermissionError(f"The directory '{target.parent}' can't be written.")
    return target


@contextlib.contextmanager
def written_beside(target: Path) -> Iterator[Path]:
    """A path in `target`'s directory; it becomes `target` when the block ends without an error.

    Whatever happens - a full disk, Ctrl-C - `target` is the old file or the whole new one, and
    nothing else is left behind.
    """
    handle, name = tempfile.mkstemp(
        prefix=f".{target.stem}.", suffix=target.suffix, dir=target.parent
    )
    os.close(handle)
    beside = Path(name)
    try:
        yield beside
        # mkstemp makes private files; a model is as readable as any file the user makes.
        mask = os.umask(0)
        os.umask(mask)
        beside.chmod(0o666 & ~mask)
        os.replace(beside, target)
    finally:
        beside.unlink(missing_ok=True)


def write_bytes(target: Path, content: bytes) -> None:
    """Writes `content` beside `target`, then renames."""
    with written_beside(target) as beside, beside.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def print_any_name() -> None:
    """From now on a file's name that is no UTF-8 is printed with escapes, where it was an error."""
    # Whoever replaced the output by something else decides for himself.
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")
