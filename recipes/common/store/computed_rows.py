"""An array of a row for each clip of a store, computed once."""

import math
import os
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from rich.console import Console

from keras_reparam._utils.files import write_bytes
from keras_reparam._utils.progress import track
from recipes.common.files.disk import explaining_a_full_disk
from recipes.common.files.lock import exclusive
from recipes.common.store import layout
from recipes.common.store.array_file import ArrayFile
from recipes.common.store.growing_array import GrowingArray
from recipes.common.store.store import Store


def computed_rows(
    store: Store,
    digest: str,
    row_shape: tuple[int, ...],
    compute: Callable[[np.ndarray], np.ndarray],
    console: Console,
    *,
    what: str,
) -> dict[str, np.ndarray]:
    """What `compute` makes of the clips of a store; what is there already is not done again.

    The rows lie in the store, and go with its other features when clips are added or removed.
    After a kill, Ctrl-C or a full disk the next call goes on. Another process that is at it is
    waited for.

    Args:
        store: The store.
        digest: What their file is named by: it stands for all that they depend on but the clips.
        row_shape: Of a clip's row, float32.
        compute: Gives the row of a clip's samples.
        console: Where the progress bar is drawn.
        what: What they are, for messages.

    Returns:
        The rows by the clips' ids: views of the file.
    """
    path = store.folder / layout.features_name(digest)
    if not path.exists():
        # Of each clip float32, in kilobytes.
        size = 4 * math.prod(row_shape) / 1000
        needed = f"{what} in '{store.folder}' ({size:,.1f} kB for each clip)"
        with exclusive(store.folder, patience=math.inf), explaining_a_full_disk(needed):
            if not path.exists():
                _build(store, path, row_shape, compute, console, what)
    return dict(zip(store.ids, ArrayFile(path, len(store)).array, strict=True))


def _build(
    store: Store,
    path: Path,
    row_shape: tuple[int, ...],
    compute: Callable[[np.ndarray], np.ndarray],
    console: Console,
    what: str,
) -> None:
    # Not among what other writers of the store take for theirs, and remove in the end.
    unfinished = path.with_suffix(".unfinished")
    progress = path.with_suffix(".progress")
    done = int(progress.read_text()) if progress.exists() and unfinished.exists() else 0
    with GrowingArray(unfinished, "float32", row_shape=row_shape, rows=done) as array:
        saved = time.monotonic()
        for clip in track(store.ids[done:], f"Computing {what}", console):
            array.append(compute(store.audio(clip))[None])
            if time.monotonic() - saved >= layout.COMMIT_SECONDS:
                array.sync()
                write_bytes(progress, str(array.rows).encode())
                saved = time.monotonic()
        array.finish()
    os.replace(unfinished, path)
    progress.unlink(missing_ok=True)
