"""Clips of a store, as those read them who know files."""

import numpy as np

from recipes.common.manifest import Segment
from recipes.common.store.store import Store


class StoredAudio:
    """Reads clips from a store; can be sent to other processes.

    Args:
        store: The store.
    """

    def __init__(self, store: Store):
        self._store = store

    def __call__(self, segment: Segment, *, sample_rate: int) -> np.ndarray:
        """The samples of a segment.

        Raises:
            ValueError: If the store has another rate.
        """
        if sample_rate != self._store.sample_rate:
            raise ValueError(
                f"The model must be for {self._store.sample_rate} Hz. Received: {sample_rate}"
            )
        return self._store.audio(segment.id)
