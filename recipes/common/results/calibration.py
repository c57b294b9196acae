"""Whether probabilities are right as often as they say, and what makes them so.

What is decided about has a true class, a predicted one, and probabilities; the confidence in an
answer is the probability of the predicted class.
"""

import dataclasses
from collections.abc import Callable

import numpy as np
from scipy.optimize import minimize_scalar

# True classes `(decisions,)`, predicted ones, and probabilities `(decisions, classes)`.
Decided = tuple[np.ndarray, np.ndarray, np.ndarray]

_BINS = 15
# Further from 1 it is a handful of clips that speaks, all of them right or all wrong.
_TEMPERATURES = (0.2, 5.0)
# So many of the sure answers are right, but at least half of all are sure; and no threshold has
# more than two digits.
_RIGHT = 0.85
_LEAST_SURE = 0.5
_STEPS = 100


@dataclasses.dataclass(frozen=True, kw_only=True)
class Calibration:
    """How a model's probabilities were calibrated on the validation split.

    Attributes:
        temperature: What the logits are divided by. The best class of a window stays the same.
        nll: Mean negative log likelihood of the decisions, `"before"` and `"after"`.
        ece: Their `expected_calibration_error`, likewise.
        unsure_below: An answer of less confidence is unsure: see `unsure_threshold`.
        sure: What `unsure_below` does to the decisions: see `sure_answers`.
    """

    temperature: float
    nll: dict[str, float]
    ece: dict[str, float]
    unsure_below: float
    sure: dict[str, float | None]


def fit_calibration(logits: np.ndarray, decide: Callable[[np.ndarray], Decided]) -> Calibration:
    """The one temperature, of 0.2 to 5, at which the true classes are most likely.

    Args:
        logits: `(windows, classes)`: those of the validation split.
        decide: What is decided with such logits.

    Reference:

    - Guo et al., "On Calibration of Modern Neural Networks", ICML 2017: temperature scaling.
    """
    logits = np.asarray(logits, "float64")

    def loss(log_temperature: float) -> float:
        truth, _, scores = decide(logits / np.exp(log_temperature))
        return negative_log_likelihood(truth, scores)

    bounds = tuple(np.log(_TEMPERATURES))
    found = minimize_scalar(loss, bounds=bounds, method="bounded", options={"xatol": 1e-4})
    temperature = float(np.exp(found.x))
    before, after = decide(logits), decide(logits / temperature)
    threshold = unsure_threshold(*after)
    return Calibration(
        temperature=temperature,
        nll={
            "before": negative_log_likelihood(before[0], before[2]),
            "after": negative_log_likelihood(after[0], after[2]),
        },
        ece={
            "before": expected_calibration_error(*before),
            "after": expected_calibration_error(*after),
        },
        unsure_below=threshold,
        sure=sure_answers(*after, unsure_below=threshold),
    )


def negative_log_likelihood(truth: np.ndarray, scores: np.ndarray) -> float:
    """Mean of -log of the true class's probability."""
    right = scores[np.arange(len(truth)), truth]
    return float(-np.log(np.maximum(right, 1e-7)).mean())


def expected_calibration_error(
    truth: np.ndarray, predicted: np.ndarray, scores: np.ndarray
) -> float:
    """By how much confidence and share of right answers differ: ECE with 15 bins.

    The answers are parted into bins of equal width by their confidence; the mean over the bins,
    weighed by their answers, of the absolute difference of mean confidence and share of right
    ones.

    Example:

    Of two answers of probability 0.9, one is right:

    >>> scores = np.array([[0.9, 0.1], [0.9, 0.1]])
    >>> round(expected_calibration_error(np.array([0, 1]), np.array([0, 0]), scores), 3)
    0.4

    Reference:

    - Guo et al., "On Calibration of Modern Neural Networks", ICML 2017, section 2.
    """
    confidence = _confidence(predicted, scores)
    bins = np.minimum((confidence * _BINS).astype(int), _BINS - 1)
    # Sorted, so that the order of the answers does not change how sums are rounded.
    differences = confidence - (predicted == truth)
    order = np.argsort(differences)
    gaps = np.bincount(bins[order], weights=differences[order])
    return float(np.abs(gaps).sum() / len(truth))


def unsure_threshold(truth: np.ndarray, predicted: np.ndarray, scores: np.ndarray) -> float:
    """The confidence below which answers are unsure.

    It is the lowest threshold, in hundredths, at which 85 % of the answers that remain are right;
    where that leaves less than half of them, or none does so, the highest that leaves half.
    """
    confidence, right = _confidence(predicted, scores), predicted == truth
    threshold = 0.0
    for step in range(_STEPS):
        sure = confidence >= step / _STEPS
        if sure.mean() < _LEAST_SURE:
            break
        threshold = step / _STEPS
        if right[sure].mean() >= _RIGHT:
            break
    return threshold


def sure_answers(
    truth: np.ndarray, predicted: np.ndarray, scores: np.ndarray, *, unsure_below: float
) -> dict[str, float | None]:
    """Of the answers that are sure: their share, `"coverage"`, and the share of right ones.

    The latter is `"accuracy"`; `None` if no answer is sure.
    """
    sure = _confidence(predicted, scores) >= unsure_below
    accuracy = float((predicted == truth)[sure].mean()) if sure.any() else None
    return {"coverage": float(sure.mean()), "accuracy": accuracy}


def _confidence(predicted: np.ndarray, scores: np.ndarray) -> np.ndarray:
    return scores[np.arange(len(predicted)), predicted]
