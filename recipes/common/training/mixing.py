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

    def mix(values: np.ndarray) -> np.ndarray:
        own = share.reshape(-1, *[1] * (values.ndim - 1))
        return own * values + (1 - own) * values[order]

    values, *masks = inputs
    if masks:
        (mask,) = masks
        # Frames that are not valid count as zeros: the mean.
        values = np.where(mask[..., None], values, 0)
        masks = [mask | mask[order]]
    return (mix(values), *masks), mix(targets), mix(weights)
