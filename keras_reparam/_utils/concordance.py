"""Lin's concordance correlation coefficient."""

import numpy as np
from numpy.typing import ArrayLike


def concordance(truth: ArrayLike, predicted: ArrayLike) -> float:
    """CCC of two arrays `(n,)`: 2 cov / (var + var + (mean - mean)^2).

    It is 1 where they are equal, and 0 where either says the same of everything.

    Example:

    >>> concordance([1, 2, 3], [1, 2, 3]), concordance([1, 2, 3], [2, 2, 2])
    (1.0, 0.0)

    Reference:

    - Lin, "A Concordance Correlation Coefficient to Evaluate Reproducibility", Biometrics 45, 1989.
    """
    truth, predicted = np.asarray(truth, "float64"), np.asarray(predicted, "float64")
    away = truth.mean() - predicted.mean()
    covariance = np.mean((truth - truth.mean()) * (predicted - predicted.mean()))
    apart = truth.var() + predicted.var() + away**2
    # Of constants that are equal, too, nothing can be said but that they do not vary together.
    return float(2 * covariance / apart) if apart > 0 else 0.0
