"""The algebra of HRF and deHRF as pure functions, one per identity.

A kernel is a matrix `K` of shape `(..., rows, columns)`; `x @ K + b` is the layer. The leading
axes, if any, are independent groups. Biases are rows, `(..., 1, columns)`, so that one operator,
`@`, serves NumPy arrays (the merge, in float64) and backend tensors (training, in float32).

Source: Zhang et al., IEEE Internet of Things Journal 2024, arXiv 2411.09339 (HRF: one kernel
expanded into several; deHRF: their product). The two constructions of `factorize` are this
project's.
"""

import itertools
from typing import Any

import numpy as np


def inner_rank(rows: int, columns: int, *, expansion: int, expansion_base: str) -> int:
    """Inner rank `R = expansion * columns`, or `expansion * rows` for base `"input"`.

    Args:
        rows: Input size of the kernel's matrix.
        columns: Output size of the kernel's matrix.
        expansion: Positive integer r.
        expansion_base: `"units"` (the output size, as in the paper) or `"input"`.

    Returns:
        The number of columns of the first factor.

    Example:

    >>> inner_rank(64, 128, expansion=4, expansion_base="units")
    512
    >>> inner_rank(64, 128, expansion=4, expansion_base="input")
    256
    """
    return expansion * (columns if expansion_base == "units" else rows)


def factor_shapes(rows: int, columns: int, rank: int, factors: int) -> list[tuple[int, int]]:
    """Shapes `(rows, R), (R, R), ..., (R, columns)` of a kernel's factors.

    Example:

    >>> factor_shapes(3, 5, 20, 3)
    [(3, 20), (20, 20), (20, 5)]
    """
    sizes = [rows] + [rank] * (factors - 1) + [columns]
    return list(itertools.pairwise(sizes))


def fold_kernel(factors: list[Any]) -> Any:
    """Effective kernel `K = K1 K2 ... Kn`, multiplied from its smaller end.

    Args:
        factors: Matrices `(..., rows, R), ..., (..., R, columns)`: NumPy arrays or tensors.

    Returns:
        The product, `(..., rows, columns)`, in the factors' own dtype.

    Example:

    >>> fold_kernel([np.eye(2), np.ones((2, 3))]).shape
    (2, 3)
    """
    rows, columns = factors[0].shape[-2], factors[-1].shape[-1]
    if rows <= columns:
        product = factors[0]
        for factor in factors[1:]:
            product = product @ factor
        return product
    product = factors[-1]
    for factor in reversed(factors[:-1]):
        product = factor @ product
    return product


def fold_bias(factors: list[Any], inner_biases: list[Any], bias: Any | None) -> Any:
    """Effective bias `b = (b1 K2 + b2) K3 + ... + bn` as a row.

    Args:
        factors: The n factors, as in `fold_kernel`.
        inner_biases: The n - 1 rows `b1, ..., b(n-1)`, each `(..., 1, R)`.
        bias: The last row `bn`, `(..., 1, columns)`, or `None`.

    Returns:
        The row `(..., 1, columns)`.

    Example:

    >>> fold_bias([np.eye(2), 3 * np.eye(2)], [np.ones((1, 2))], None)
    array([[3., 3.]])
    """
    row = inner_biases[0] @ factors[1]
    for inner_bias, factor in zip(inner_biases[1:], factors[2:], strict=True):
        row = (row + inner_bias) @ factor
    return row if bias is None else row + bias


def orthonormal(rows: int, columns: int, *, groups: tuple[int, ...], rng: Any) -> np.ndarray:
    """Random matrices with orthonormal rows (`rows <= columns`) or columns, Haar-distributed.

    Args:
        rows: Number of rows.
        columns: Number of columns.
        groups: Leading shape.
        rng: `numpy.random.Generator`.

    Returns:
        float64 array `groups + (rows, columns)`.

    Example:

    >>> q = orthonormal(2, 3, groups=(), rng=np.random.default_rng(0))
    >>> np.allclose(q @ q.T, np.eye(2))
    True
    """
    tall, wide = max(rows, columns), min(rows, columns)
    normal = rng.standard_normal((*groups, tall, wide))
    if tall >= 2 * wide:
        # Cholesky's QR: the same factor, ten times faster on large matrices, and accurate here,
        # since normal matrices that are twice as tall as wide are well conditioned.
        lower = np.linalg.cholesky(np.swapaxes(normal, -1, -2) @ normal)
        q = np.swapaxes(np.linalg.solve(lower, np.swapaxes(normal, -1, -2)), -1, -2)
    else:
        q, r = np.linalg.qr(normal)
        # Without the signs of R's diagonal the distribution would depend on the QR routine.
        q = q * np.sign(np.diagonal(r, axis1=-2, axis2=-1))[..., None, :]
    return np.swapaxes(q, -1, -2) if rows <= columns else q


def factorize(
    kernel: np.ndarray, rank: int, *, factors: int, dtype: Any, rng: Any
) -> list[np.ndarray]:
    """Factors whose product is `kernel`: expanding a trained layer keeps its function.

    `R >= rows`: `K1 ... K(n-1)` have orthonormal rows, `Kn` solves `K1 ... K(n-1) Kn = K`.
    `R < rows` but `R >= columns`: `K2 ... Kn` have orthonormal columns, `K1` solves.
    The orthonormal factors are rounded to `dtype` first and the last one is solved for in
    float64 against the rounded ones, so that only its own rounding remains.

    Args:
        kernel: `(..., rows, columns)`.
        rank: Inner rank R.
        factors: Number of factors, at least 2.
        dtype: The dtype the factors will be stored in.
        rng: `numpy.random.Generator` for the orthonormal factors.

    Returns:
        `factors` arrays of `dtype`.

    Raises:
        ValueError: If `R` is smaller than both sizes: no product of that rank is `kernel`.

    Example:

    >>> kernel = np.arange(6.0).reshape(2, 3)
    >>> k1, k2 = factorize(
    ...     kernel, 6, factors=2, dtype="float64", rng=np.random.default_rng(0)
    ... )
    >>> np.allclose(k1 @ k2, kernel)
    True
    """
    kernel = np.asarray(kernel, "float64")
    rows, columns = kernel.shape[-2:]
    if rank < min(rows, columns):
        raise ValueError(
            "A kernel keeps its function only if the inner rank is at least its smaller side. "
            f"Received: rank={rank} for a kernel of shape {kernel.shape}."
        )
    shapes = factor_shapes(rows, columns, rank, factors)
    groups = kernel.shape[:-2]
    solved_last = rank >= rows
    free = shapes[:-1] if solved_last else shapes[1:]
    # At extreme scales the solved factor alone carries the kernel's magnitude: the others stay
    # orthonormal, so that no product over- or underflows on the way.
    rounded = [orthonormal(*shape, groups=groups, rng=rng).astype(dtype) for shape in free]
    product = fold_kernel([factor.astype("float64") for factor in rounded])
    transposed = np.swapaxes(product, -1, -2)
    if solved_last:
        solved = transposed @ np.linalg.solve(product @ transposed, kernel)
        return [*rounded, solved.astype(dtype)]
    solved = np.swapaxes(np.linalg.solve(transposed @ product, np.swapaxes(kernel, -1, -2)), -1, -2)
    return [(solved @ transposed).astype(dtype), *rounded]
