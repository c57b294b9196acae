"""Arrays of several lengths in one."""

from collections.abc import Sequence

import numpy as np


def stacked(arrays: Sequence[np.ndarray], length: int) -> np.ndarray:
    """`(arrays, length, ...)`: each followed by zeros.

    Args:
        arrays: At least one; equal but for their lengths, of which none is greater than `length`.
        length: Of the result.
    """
    result = np.zeros((len(arrays), length, *arrays[0].shape[1:]), arrays[0].dtype)
    for row, array in zip(result, arrays, strict=True):
        row[: len(array)] = array
    return result
