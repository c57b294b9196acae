"""A teacher's features of a store's clips, computed once."""

import math
import os
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from rich.console import Console

from keras_reparam._utils.files import write_bytes
from keras_reparam._utils.progress import track
from recipes.common.files.disk import explaining_a_full_disk
from recipes.common.files.lock import exclusive
from recipes.common.protocol.fold import Example
from recipes.common.store import layout
from recipes.common.store.array_file import ArrayFile
from recipes.common.store.growing_array import GrowingArray
from recipes.common.store.store import Store
from recipes.common.teacher.whisper_encoder import WhisperEncoder, frames_of


class PooledFeatures:
    """What an encoder makes of the clips of a store; what is there already is not done again.

    They lie in the store, named by the encoder's weights, the layers and the pooling, and go with
    its other features when clips are added or removed. After a kill, Ctrl-C or a full disk the
    next call goes on. Another process that is at it is waited for.

    Args:
        store: The store.
        encoder: What computes them.
        console: Where the progress bar is drawn.
    """

    def __init__(self, store: Store, encoder: WhisperEncoder, console: Console):
        path = store.folder / layout.features_name(f"teacher-{encoder.digest}")
        if not path.exists():
            needed = f"a teacher's features in '{store.folder}' (3 kB for each clip and layer)"
            with exclusive(store.folder, patience=math.inf), explaining_a_full_disk(needed):
                if not path.exists():
                    _build(store, encoder, path, console)
        rows = ArrayFile(path, len(store)).array
        self._rows = dict(zip(store.ids, rows, strict=True))
        self._frames = {clip: frames_of(store.length(clip)) for clip in store.ids}

    def of(self, examples: Sequence[Example]) -> np.ndarray:
        """Of each example one row: float32 `(examples, layers * 2 * width)`."""
        return np.stack([self._of(example) for example in examples]).reshape(len(examples), -1)

    def labelled(self, examples: Sequence[Example]) -> tuple[np.ndarray, np.ndarray]:
        """The rows of examples, and their classes `(examples,)`."""
        return self.of(examples), np.array([example.label for example in examples])

    def _of(self, example: Example) -> np.ndarray:
        clips = [segment.id for segment in example.segments]
        rows = np.stack([self._rows[clip] for clip in clips])
        return joined(rows, [self._frames[clip] for clip in clips])


def joined(pooled: np.ndarray, frames: Sequence[int]) -> np.ndarray:
    """Means and deviations over the frames of several clips, from those of each.

    Args:
        pooled: `(clips, layers, 2, width)`.
        frames: How many each clip has.
    """
    if len(pooled) == 1:
        return pooled[0]
    means, deviations = np.moveaxis(pooled.astype("float64"), 2, 0)
    mean = np.average(means, axis=0, weights=frames)
    variances = deviations**2 + (means - mean) ** 2
    deviation = np.sqrt(np.average(variances, axis=0, weights=frames))
    return np.stack([mean, deviation], axis=1).astype("float32")


def _build(store: Store, encoder: WhisperEncoder, path: Path, console: Console) -> None:
    # Not among what other writers of the store take for theirs, and remove in the end.
    unfinished = path.with_suffix(".unfinished")
    progress = path.with_suffix(".progress")
    done = int(progress.read_text()) if progress.exists() and unfinished.exists() else 0
    with GrowingArray(unfinished, "float32", row_shape=encoder.shape, rows=done) as array:
        saved = time.monotonic()
        for clip in track(store.ids[done:], "Computing the teacher's features", console):
            array.append(encoder.pooled(store.audio(clip))[None])
            if time.monotonic() - saved >= layout.COMMIT_SECONDS:
                array.sync()
                write_bytes(progress, str(array.rows).encode())
                saved = time.monotonic()
        array.finish()
    os.replace(unfinished, path)
    progress.unlink(missing_ok=True)
