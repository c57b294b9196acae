"""A teacher's features of a store's clips, computed once."""

from collections.abc import Sequence

import numpy as np
from rich.console import Console

from recipes.common.protocol.fold import Example
from recipes.common.store.computed_rows import computed_rows
from recipes.common.store.store import Store
from recipes.common.teacher.whisper_encoder import WhisperEncoder, frames_of


class PooledFeatures:
    """What an encoder makes of the clips of a store, as `computed_rows` keeps it.

    They are named by the encoder's weights, the layers and the pooling.

    Args:
        store: The store.
        encoder: What computes them.
        console: Where the progress bar is drawn.
    """

    def __init__(self, store: Store, encoder: WhisperEncoder, console: Console):
        self._rows = computed_rows(
            store,
            f"teacher-{encoder.digest}",
            encoder.shape,
            encoder.pooled,
            console,
            what="the teacher's features",
        )
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
