"""Where clips' features come from."""

from typing import Protocol

from recipes.common.frozen.moments import Moments
from recipes.common.manifest import Segment


class ClipFeatures(Protocol):
    """Features of clips, of several layers of a model or one.

    Attributes:
        described: What they are, for messages.
        parameters: Weights of the model that made them; 0 where that is not known.
    """

    described: str
    parameters: int

    def shape(self, segment: Segment) -> tuple[int, int]:
        """Layers and width, found without reading the values.

        Raises:
            BadClip: If there are no such features of the clip.
        """

    def moments(self, segment: Segment) -> Moments:
        """Of a clip with a good `shape`.

        Raises:
            BadClip: If they can't be read.
        """
