"""Initial values of factors: of given weights, or such that their product is a fresh kernel."""

import functools
import random
from collections.abc import Callable
from typing import Any

import keras
from keras import ops

from keras_reparam.layers import factorization

Initializer = Callable[..., Any]


def constant(value: Any) -> Initializer:
    """An initializer that gives this value."""
    return lambda shape, dtype=None: ops.convert_to_tensor(value, dtype)


def fresh(draw: Callable[[], Any], shapes: list[tuple[int, int]], dtype: str) -> list[Initializer]:
    """Initializers of a new layer's factors: their product is what the plain layer draws.

    All factors but one are orthonormal; that one is the drawn matrix times the transposed
    product of the others. Keras may call an initializer while it traces a graph, and more than
    once: so these are `keras.ops` of fixed seeds, and only one of them draws.

    Args:
        draw: Draws the plain kernel and returns it as a matrix `(..., rows, columns)`.
        shapes: Shapes of the factors, without the leading axes of groups.
        dtype: dtype to compute in.

    Returns:
        One initializer per factor.
    """
    rows, rank = shapes[0]
    last = len(shapes) - 1
    drawing = last if rank >= rows else 0
    orthonormal = [keras.initializers.Orthogonal(seed=random.randint(1, int(1e9))) for _ in shapes]

    def factor(index: int, groups: tuple[int, ...]) -> Any:
        matrix = orthonormal[index](shapes[index], dtype=dtype)
        return ops.broadcast_to(matrix, (*groups, *shapes[index]))

    def initializer(index: int, shape: Any, dtype: Any = None) -> Any:
        groups = tuple(shape[:-2])
        if index != drawing:
            return ops.cast(factor(index, groups), dtype)
        others = [factor(i, groups) for i in range(len(shapes)) if i != drawing]
        transposed = ops.swapaxes(factorization.fold_kernel(others), -1, -2)
        return ops.cast(transposed @ draw() if drawing else draw() @ transposed, dtype)

    return [functools.partial(initializer, index) for index in range(len(shapes))]
