"""Folders whose files are there whole or not at all."""

import contextlib
import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

# Names that `staged`, and `written_beside` of the package, give to what is not whole yet.
_LEFTOVER = re.compile(r"\.unfinished-\w{8}|\..+\.\w{8}\.(csv|json|npz)")


def remove_leftovers(folder: Path) -> None:
    """Removes what killed processes left half-written in `folder`, where nobody else may write."""
    for path in [path for path in folder.rglob(".*") if _LEFTOVER.fullmatch(path.name)]:
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)


@contextlib.contextmanager
def staged(folder: Path) -> Iterator[Path]:
    """A hidden folder inside `folder`, made if need be; its files move up when the block ends.

    After an error or Ctrl-C `folder` is as it was before: what a former run wrote stays, and so
    do files of the user's own.
    """
    made = [path for path in [folder, *folder.parents] if not path.exists()]
    beside = None
    try:
        folder.mkdir(parents=True, exist_ok=True)
        beside = Path(tempfile.mkdtemp(prefix=".unfinished-", dir=folder))
        yield beside
        for path in sorted(beside.iterdir()):
            replace(path, folder / path.name)
    except BaseException:
        if beside is not None:
            shutil.rmtree(beside, ignore_errors=True)
        for path in made:
            with contextlib.suppress(OSError):
                path.rmdir()
        raise
    shutil.rmtree(beside, ignore_errors=True)


@contextlib.contextmanager
def replaced(folder: Path) -> Iterator[Path]:
    """An empty folder beside `folder`, which takes its place when the block ends without error."""
    beside = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    try:
        yield beside
        beside.chmod(0o755)
        replace(beside, folder)
    finally:
        shutil.rmtree(beside, ignore_errors=True)


def replace(new: Path, old: Path) -> None:
    """Renames `new` to `old`, of which nothing stays, be it a file or a folder."""
    if not old.is_dir():
        os.replace(new, old)
        return
    # A folder can't be replaced by renaming: the old one steps aside first, and back on failure.
    aside = Path(tempfile.mkdtemp(prefix=f".{old.name}-old-", dir=old.parent))
    try:
        os.replace(old, aside / old.name)
        try:
            os.replace(new, old)
        except BaseException:
            os.replace(aside / old.name, old)
            raise
    finally:
        shutil.rmtree(aside, ignore_errors=True)
