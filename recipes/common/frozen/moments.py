"""Of a clip's features all that a weighted sum of layers, mean and deviation depend on."""

import dataclasses
from collections.abc import Sequence

import numpy as np

# Of a variance, as in `keras_reparam.models.masked_statistics_pooling`.
EPSILON = 1e-5


@dataclasses.dataclass(frozen=True)
class Moments:
    """Means and covariances over a clip's own frames.

    The mean of a weighted sum of layers is the weighted sum of their means, and its variance that
    of their covariances: who has these needs no frames.

    Attributes:
        frames: Over how many frames.
        values: float32 `(layers + layers * (layers + 1) / 2, width)`: the mean of each layer, then
            of each pair of `pairs_of` the covariance.
    """

    frames: int
    values: np.ndarray


def moments_of(frames: np.ndarray) -> Moments:
    """The moments of features `(layers, frames, width)`, at least one frame."""
    layers, count, _ = frames.shape
    mean = frames.mean(axis=1, dtype="float64")
    # By dimension, so that a product of matrices gives the covariances of its layers.
    rest = np.ascontiguousarray((frames - mean[:, None]).transpose(2, 0, 1), "float32")
    first, second = pairs_of(layers)
    covariances = (rest @ rest.swapaxes(1, 2) / count)[:, first, second].T
    return Moments(count, np.concatenate([mean, covariances]).astype("float32"))


def joined(parts: Sequence[Moments]) -> Moments:
    """The moments over the frames of several clips, from those of each."""
    if len(parts) == 1:
        return parts[0]
    counts = [part.frames for part in parts]
    values = np.stack([part.values for part in parts]).astype("float64")
    layers = layers_of(values.shape[1])
    first, second = pairs_of(layers)
    means, covariances = values[:, :layers], values[:, layers:]
    mean = np.average(means, axis=0, weights=counts)
    rest = means - mean
    within = covariances + rest[:, first] * rest[:, second]
    both = np.concatenate([mean, np.average(within, axis=0, weights=counts)])
    return Moments(sum(counts), both.astype("float32"))


def statistics(moments: np.ndarray, shares: np.ndarray) -> np.ndarray:
    """Mean and deviation of the weighted sum of layers.

    Args:
        moments: `(clips, rows, width)`: values of `Moments`.
        shares: `(layers,)`: what each layer weighs.

    Returns:
        float64 `(clips, 2 * width)`.
    """
    layers = len(shares)
    means, covariances = moments[:, :layers], moments[:, layers:]
    mean = np.einsum("l,clw->cw", shares, means)
    variance = np.einsum("p,cpw->cw", shares_of_pairs(shares), covariances)
    return np.concatenate([mean, np.sqrt(np.maximum(variance, 0) + EPSILON)], axis=1)


def pairs_of(layers: int) -> tuple[np.ndarray, np.ndarray]:
    """The pairs of layers, each once, and each layer with itself.

    Example:

    >>> first, second = pairs_of(2)
    >>> first.tolist(), second.tolist()
    ([0, 0, 1], [0, 1, 1])
    """
    return np.triu_indices(layers)


def rows_of(layers: int) -> int:
    """How many rows the moments of so many layers have."""
    return layers * (layers + 3) // 2


def layers_of(rows: int) -> int:
    """How many layers moments of so many rows are of.

    Example:

    >>> [layers_of(rows_of(layers)) for layers in (1, 2, 13)]
    [1, 2, 13]
    """
    return round((np.sqrt(9 + 8 * rows) - 3) / 2)


def shares_of_pairs(shares: np.ndarray) -> np.ndarray:
    """What the covariance of each pair weighs in the variance of the sum."""
    first, second = pairs_of(len(shares))
    return shares[first] * shares[second] * twice_if_two(len(shares))


def twice_if_two(layers: int) -> np.ndarray:
    """2 for each pair of two layers, which a variance has twice; 1 for a layer with itself."""
    first, second = pairs_of(layers)
    return np.where(first == second, 1.0, 2.0)
