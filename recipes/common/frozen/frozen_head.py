"""A linear head on a weighted sum of layers, as it is kept."""

import dataclasses
from pathlib import Path

import numpy as np

from recipes.common.frozen.moments import layers_of, statistics
from recipes.common.names import HEAD


@dataclasses.dataclass(frozen=True)
class FrozenHead:
    """Moments to what a trained model gives.

    Attributes:
        shares: `(layers,)`: what each layer weighs; their sum is 1.
        weights: `(2 * width, outputs)`, of mean and deviation.
        bias: `(outputs,)`.
    """

    shares: np.ndarray
    weights: np.ndarray
    bias: np.ndarray

    def __call__(self, moments: np.ndarray) -> np.ndarray:
        """Outputs `(clips, outputs)` of moments `(clips, rows, width)`.

        Raises:
            ValueError: If they are of other layers than it was trained on.
        """
        found, own = self._shape(moments), (len(self.shares), len(self.weights) // 2)
        if found != own:
            raise ValueError(
                f"The head was trained on features of {own[0]} layers of {own[1]} values. "
                f"Received: {found[0]} of {found[1]}"
            )
        return statistics(moments, self.shares) @ self.weights + self.bias

    def write(self, path: Path) -> None:
        """Writes it as `.npz`."""
        np.savez(path, **vars(self))

    @staticmethod
    def _shape(moments: np.ndarray) -> tuple[int, int]:
        return layers_of(moments.shape[1]), moments.shape[2]


def read_head(folder: Path) -> FrozenHead:
    """The one that a training left in a fold's folder.

    Raises:
        ValueError: If an earlier version did.
    """
    with np.load(folder / HEAD) as file:
        if "shares" not in file:
            raise ValueError(
                f"'{folder / HEAD}' is of an earlier version, whose head had a weight for each "
                "layer and value. Train it again: give another --run, or delete its run's folder"
            )
        return FrozenHead(**{name: file[name] for name in ("shares", "weights", "bias")})
