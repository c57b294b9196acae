"""The algebra, against products written out in NumPy, on matrices of any shape and scale."""

import itertools

import ml_dtypes
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keras_reparam.layers import factorization

sizes = st.integers(1, 9)
groups = st.sampled_from([(), (1,), (3,)])
scales = st.sampled_from([1e-30, 1e-6, 1.0, 1e6, 1e30])
dtypes = st.sampled_from(["float32", "float64", "float16", ml_dtypes.bfloat16])


def relative(value, reference):
    return np.abs(value - reference).max() / max(np.abs(reference).max(), 1e-300)


@given(sizes, sizes, st.integers(1, 8), st.sampled_from(["units", "input"]))
def test_inner_rank_always_suffices(rows, columns, expansion, base):
    rank = factorization.inner_rank(rows, columns, expansion=expansion, expansion_base=base)
    assert rank == expansion * {"units": columns, "input": rows}[base]
    assert rank >= min(rows, columns)


@given(sizes, sizes, st.integers(1, 20), st.integers(2, 3))
def test_factor_shapes_chain(rows, columns, rank, factors):
    shapes = factorization.factor_shapes(rows, columns, rank, factors)
    assert len(shapes) == factors
    product = np.linalg.multi_dot([np.ones(shape) for shape in shapes])
    assert product.shape == (rows, columns)
    assert product[0, 0] == rank ** (factors - 1)


@given(sizes, sizes, groups, st.integers(0, 2**31))
def test_orthonormal(rows, columns, groups, seed):
    q = factorization.orthonormal(rows, columns, groups=groups, rng=np.random.default_rng(seed))
    assert q.shape == (*groups, rows, columns)
    gram = q @ np.swapaxes(q, -1, -2) if rows <= columns else np.swapaxes(q, -1, -2) @ q
    np.testing.assert_allclose(
        gram, np.broadcast_to(np.eye(min(rows, columns)), gram.shape), atol=1e-12
    )


@settings(deadline=None)
@given(
    sizes, sizes, st.integers(1, 4), st.integers(2, 3), groups, scales, dtypes, st.integers(0, 99)
)
def test_factorize_keeps_the_kernel(rows, columns, expansion, factors, groups, scale, dtype, seed):
    rng = np.random.default_rng(seed)
    if dtype in ("float16",) and not 1e-3 < scale < 1e3:
        scale = 1.0
    kernel = rng.standard_normal((*groups, rows, columns)) * scale
    found = factorization.factorize(
        kernel, expansion * min(rows, columns), factors=factors, dtype=dtype, rng=rng
    )
    assert len(found) == factors
    assert all(factor.dtype == np.dtype(dtype) for factor in found)
    product = found[0].astype("float64")
    for factor in found[1:]:
        product = product @ factor.astype("float64")
    tolerance = {"float64": 1e-12, "float32": 1e-6, "float16": 5e-3}.get(np.dtype(dtype).name, 4e-2)
    assert relative(product, kernel) < tolerance


def test_factorize_of_zero_is_zero():
    found = factorization.factorize(
        np.zeros((3, 4)), 8, factors=2, dtype="float32", rng=np.random.default_rng(0)
    )
    assert not (found[0] @ found[1]).any()


def test_factorize_refuses_a_rank_below_both_sides():
    with pytest.raises(ValueError, match=r"rank=2 for a kernel of shape \(3, 4\)"):
        factorization.factorize(
            np.ones((3, 4)), 2, factors=2, dtype="float32", rng=np.random.default_rng(0)
        )


@given(st.lists(sizes, min_size=3, max_size=4), groups, st.integers(0, 99))
def test_fold_kernel_is_the_product(chain, groups, seed):
    rng = np.random.default_rng(seed)
    shapes = list(itertools.pairwise(chain))
    factors = [rng.standard_normal((*groups, *shape)) for shape in shapes]
    expected = factors[0]
    for factor in factors[1:]:
        expected = np.einsum("...ij,...jk->...ik", expected, factor)
    np.testing.assert_allclose(factorization.fold_kernel(factors), expected, atol=1e-10)


@given(st.lists(sizes, min_size=3, max_size=4), groups, st.booleans(), st.integers(0, 99))
def test_fold_bias_is_what_the_chain_gives_for_zero_input(chain, groups, last, seed):
    rng = np.random.default_rng(seed)
    shapes = list(itertools.pairwise(chain))
    factors = [rng.standard_normal((*groups, *shape)) for shape in shapes]
    biases = [rng.standard_normal((*groups, 1, shape[-1])) for shape in shapes]
    x = np.zeros((*groups, 1, chain[0]))
    for i, factor in enumerate(factors):
        x = x @ factor
        if i < len(factors) - 1 or last:
            x = x + biases[i]
    folded = factorization.fold_bias(factors, biases[:-1], biases[-1] if last else None)
    np.testing.assert_allclose(folded, x, atol=1e-10)
