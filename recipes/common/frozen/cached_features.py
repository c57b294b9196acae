"""Features made of a store's clips, once."""

import numpy as np
from rich.console import Console

from recipes.common.frozen.maker import Maker
from recipes.common.frozen.moments import Moments, moments_of, rows_of
from recipes.common.manifest import Segment
from recipes.common.store.computed_rows import computed_rows
from recipes.common.store.store import Store


class CachedFeatures:
    """What a maker makes of the clips of a store, as `computed_rows` keeps it.

    Args:
        maker: The maker.
        store: The store.
        console: Where a progress bar is drawn.
    """

    def __init__(self, maker: Maker, store: Store, console: Console):
        self.described, self.parameters = maker.described, maker.parameters
        self._shape = maker.layers, maker.width

        def row(samples: np.ndarray) -> np.ndarray:
            found = moments_of(maker.frames(samples))
            # One more, since rows are all of a kind: how many frames they are over.
            counts = np.full(maker.width, found.frames, "float32")
            return np.vstack([found.values, counts])

        shape = (rows_of(maker.layers) + 1, maker.width)
        about = (store, f"moments-{maker.digest}", shape, row, console)
        self._rows = computed_rows(*about, what=f"features of {maker.described}")

    def shape(self, segment: Segment) -> tuple[int, int]:
        return self._shape

    def moments(self, segment: Segment) -> Moments:
        row = self._rows[segment.id]
        return Moments(int(row[-1, 0]), row[:-1])
