"""Features made of clips as they are heard."""

from collections.abc import Callable

import numpy as np

from recipes.common.frozen.maker import Maker
from recipes.common.frozen.moments import Moments, moments_of
from recipes.common.manifest import Segment


class HeardFeatures:
    """What a maker makes of any clips.

    Args:
        maker: The maker.
        samples: Gives a clip's samples at 16 kHz.
    """

    def __init__(self, maker: Maker, samples: Callable[[Segment], np.ndarray]):
        self._maker, self._samples = maker, samples
        self.described, self.parameters = maker.described, maker.parameters

    def shape(self, segment: Segment) -> tuple[int, int]:
        return self._maker.layers, self._maker.width

    def moments(self, segment: Segment) -> Moments:
        return moments_of(self._maker.frames(self._samples(segment)))
