"""What makes features of a clip's samples."""

from typing import Protocol

import numpy as np


class Maker(Protocol):
    """Makes features.

    Attributes:
        digest: Stands for all that they depend on but the samples: 12 hexadecimal digits.
        layers: How many layers they are of.
        width: How many values of each layer a frame has.
        parameters: Weights of the model that makes them.
        described: What it is, for messages.
    """

    digest: str
    layers: int
    width: int
    parameters: int
    described: str

    def frames(self, samples: np.ndarray) -> np.ndarray:
        """Features `(layers, frames, width)`, at least one frame, of samples at 16 kHz."""
