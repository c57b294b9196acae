"""Mixup of a batch of NumPy arrays."""

import numpy as np


def mixed(
    inputs: tuple[np.ndarray, ...],
    targets: np.ndarray,
    weights: np.ndarray,
    order: np.ndarray,
    share: np.ndarray,
) -> tuple[tuple[np.ndarray, ...], np.ndarray, np.ndarray]:
    """What `keras_reparam.audio.MixUp` does, whose arrays would go to the backend and back.

    Args:
        inputs: Features and mask, or waveforms.
        targets: `(batch, classes)`.
        weights: `(batch,)`: of the samples.
        order: `(batch,)`: which clip each is mixed with.
        share: `(batch,)`: of the clip itself.
    """
    values, *masks = inputs
    if masks:
        (mask,) = masks
        # Frames that are not valid count as zeros: the mean.
        values = np.where(mask[..., None], values, 0)
        masks = [mask | mask[order]]
    values, targets, weights = (mix(part, order, share) for part in (values, targets, weights))
    return (values, *masks), targets, weights


def mix(values: np.ndarray, order: np.ndarray, share: np.ndarray) -> np.ndarray:
    """Each row with another one, by the share that is its own."""
    own = share.reshape(-1, *[1] * (values.ndim - 1))
    return own * values + (1 - own) * values[order]
