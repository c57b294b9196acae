"""Tests of paired differences, by SciPy and statsmodels."""

from collections.abc import Sequence

import numpy as np
from scipy import stats
from statsmodels.stats.multitest import multipletests

# Differences that are this small are rounding.
DECIMALS = 12
# Up to so many pairs all their signs are tried, also where differences are tied.
_FEW = 13


def wilcoxon(differences: Sequence[float]) -> tuple[float, float]:
    """Wilcoxon's signed-rank test, two-sided, without the pairs that do not differ.

    Args:
        differences: One per pair.

    Returns:
        Its p, and the smallest one that so many pairs that differ can give. Both are 1 if none
        differs.
    """
    values = np.round(np.asarray(differences, "float64"), DECIMALS)
    values = values[values != 0]
    if not values.size:
        return 1.0, 1.0
    few = values.size <= _FEW
    method = stats.PermutationMethod(n_resamples=np.inf) if few else "auto"
    # One pair alone can't be permuted; either sign is as extreme.
    p = 1.0 if values.size == 1 else stats.wilcoxon(values, method=method).pvalue
    return min(1.0, float(p)), min(1.0, 2.0 ** (1 - values.size))


def holm(values: Sequence[float]) -> list[float]:
    """p-values of a family of comparisons, corrected by Holm's step-down method."""
    return multipletests(values, method="holm")[1].tolist() if len(values) else []
