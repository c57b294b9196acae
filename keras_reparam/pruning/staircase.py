"""Latency as a function of a width: from measured steps to every width. NumPy alone."""

from collections.abc import Sequence

import numpy as np

Steps = Sequence[tuple[int, float]]


def costs_of_widths(steps: Steps, groups: int) -> np.ndarray:
    """Latencies of the widths 1 to `groups`.

    Kernels compute some columns at once, so that the latency of widths is a staircase. It is
    measured at its steps; between two it is interpolated, before the first and after the last it
    is theirs. A wider layer that was measured to be faster is noise: it costs what the narrower
    one does, so that the latencies never fall.

    Args:
        steps: Pairs of a width and its latency, in ascending order.
        groups: The largest width.

    Returns:
        float64 of the shape `(groups,)`, in the unit of the steps.

    Example:

    >>> costs_of_widths([(1, 2.0), (3, 6.0), (4, 5.0)], 5).tolist()
    [2.0, 4.0, 6.0, 6.0, 6.0]
    """
    widths, latencies = np.array(steps, "float64").T
    envelope = np.maximum.accumulate(latencies)
    return np.interp(np.arange(1, groups + 1), widths, envelope)
