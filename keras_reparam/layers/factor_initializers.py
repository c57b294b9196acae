"""Initial values of factors: of given weights, or such that their product is a fresh kernel."""

import functools
import random
from collections.abc import Callable
from typing import Any

import numpy as np
from keras import ops

from keras_reparam.layers import factorization

Initializer = Callable[..., Any]


def constant(value: Any) -> Initializer:
    """An initializer that gives this value."""
    return lambda shape, dtype=None: ops.convert_to_tensor(value, dtype)


def fresh(
    draw: Callable[[], Any], shapes: list[tuple[int, int]], fold_dtype: str
) -> list[Initializer]:
    """Initializers of a new layer's factors: their product is what the plain layer draws.

    All factors but one are orthonormal; that one is the drawn matrix times the transposed
    product of the others. Keras may call an initializer while it traces a graph, and more than
    once: so the orthonormal ones are constants of fixed seeds, and only one initializer draws.
    NumPy makes them, since JAX would compile a QR for every shape.

    Args:
        draw: Draws the plain kernel and returns it as a matrix `(..., rows, columns)`.
        shapes: Shapes of the factors, without the leading axes of groups.
        fold_dtype: dtype to compute in.

    Returns:
        One initializer per factor.
    """
    rows, rank = shapes[0]
    last = len(shapes) - 1
    drawing = last if rank >= rows else 0
    seeds = [random.randint(1, int(1e9)) for _ in shapes]

    def orthonormal(index: int) -> np.ndarray:
        rng = np.random.default_rng(seeds[index])
        return factorization.orthonormal(*shapes[index], groups=(), rng=rng)

    def initializer(index: int, shape: Any, dtype: Any = None) -> Any:
        if index != drawing:
            return ops.convert_to_tensor(np.broadcast_to(orthonormal(index), shape), dtype)
        others = [orthonormal(i) for i in range(len(shapes)) if i != drawing]
        transposed = ops.convert_to_tensor(factorization.fold_kernel(others).T, fold_dtype)
        return ops.cast(transposed @ draw() if drawing else draw() @ transposed, dtype)

    return [functools.partial(initializer, index) for index in range(len(shapes))]
