"""How well numbers match the true ones."""

import dataclasses
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike

from keras_reparam._utils.concordance import concordance
from recipes.common.protocol.figure import Figure


@dataclasses.dataclass(frozen=True, kw_only=True)
class RegressionMetrics:
    """How well numbers match the true ones.

    Attributes:
        ccc: Lin's concordance correlation coefficient: 1 if all are equal, 0 if all that is said
            is the same.
        pearson: Pearson's correlation coefficient, likewise 0.
        mae: Mean absolute error, in the target's unit.
        clips: Number of clips, or of whatever else is decided about.
    """

    figures: ClassVar = {
        "ccc": Figure("CCC", 1, 3, ""),
        "pearson": Figure("Pearson", 1, 3, ""),
        "mae": Figure("MAE", 1, 2, ""),
    }
    in_words: ClassVar = "CCC and Pearson up to 1, MAE in the target's unit"
    baseline_in_words: ClassVar = "always the mean of training"

    ccc: float
    pearson: float
    mae: float
    clips: int


@dataclasses.dataclass(frozen=True, kw_only=True)
class RegressionResults(RegressionMetrics):
    """`RegressionMetrics` of all decisions, and how far they can be trusted.

    Attributes:
        labels: Name of the value, alone.
        unit: What it is in.
        value_range: Lowest and highest value that there are.
        quarters: Of each quarter of the decisions by the true value: its ends, how many, the mean
            of what is said, and the mean absolute error.
        speakers: Number of speakers.
        intervals: Low and high end of the 95 % interval over speakers of each figure; `None` with
            fewer than three speakers.
        by_sex: `RegressionMetrics` by sex, of the decisions whose speaker's sex is known.
        by_speaker: Likewise by the speaker's name.
        majority: The figures of a baseline that always says the mean of the training split.
        majority_labels: What that baseline says.
        notes: What a reader must know of these figures.
    """

    labels: tuple[str, ...]
    unit: str
    value_range: tuple[float, float]
    quarters: list[dict[str, float]]
    speakers: int
    intervals: dict[str, tuple[float, float]] | None
    by_sex: dict[str, RegressionMetrics]
    by_speaker: dict[str, RegressionMetrics]
    majority: dict[str, float]
    majority_labels: tuple[str, ...]
    notes: tuple[str, ...]

    @property
    def parts(self) -> tuple[tuple[str, ...], list[list[str]]]:
        """Columns and rows of a table of the quarters."""
        rows = [
            [
                f"{each['low']:g} to {each['high']:g}",
                f"{each['clips']:,}",
                f"{each['mean']:.2f}",
                f"{each['mae']:.2f}",
            ]
            for each in self.quarters
        ]
        return ("true value", "n", "mean said", "MAE"), rows


def evaluate_numbers(truth: ArrayLike, predicted: ArrayLike) -> RegressionMetrics:
    """`RegressionMetrics` of numbers, one per clip.

    Example:

    >>> found = evaluate_numbers([1, 2, 3], [2, 3, 4])
    >>> round(found.ccc, 3), found.pearson, found.mae
    (0.571, 1.0, 1.0)
    """
    truth, predicted = np.asarray(truth, "float64"), np.asarray(predicted, "float64")
    middle = truth.mean()
    sums = sums_of(truth - middle, predicted - middle, np.zeros(len(truth), int), 1)
    figures = figures_of_sums(sums)
    return RegressionMetrics(
        # By its definition: sums round.
        ccc=concordance(truth, predicted),
        pearson=float(figures["pearson"][0]),
        mae=float(np.abs(truth - predicted).mean()),
        clips=len(truth),
    )


def sums_of(truth: np.ndarray, predicted: np.ndarray, owners: np.ndarray, count: int) -> np.ndarray:
    """`(owners, 7)`: sums from which the figures of any of the owners together follow.

    Args:
        truth: `(clips,)`; near zero squares lose least.
        predicted: `(clips,)`, less the same.
        owners: `(clips,)`: whose each clip is, by number.
        count: How many there are.
    """
    t, p = truth, predicted
    columns = (np.ones_like(t), t, p, t * t, p * p, t * p, np.abs(t - p))
    return np.stack([np.bincount(owners, each, minlength=count) for each in columns], axis=1)


def figures_of_sums(sums: np.ndarray) -> dict[str, np.ndarray]:
    """Figures `(...)` by name, of sums `(..., 7)`."""
    clips, *means = np.moveaxis(sums, -1, 0)
    t, p, tt, pp, tp, apart = (each / clips for each in means)
    of_truth, of_said = np.maximum(tt - t * t, 0), np.maximum(pp - p * p, 0)
    covariance = tp - t * p
    together = of_truth + of_said + (t - p) ** 2
    product = np.sqrt(of_truth * of_said)
    # What does not vary, but for rounding, correlates with nothing.
    varies = np.minimum(of_truth, of_said) > 1e-12 * np.maximum(tt, pp)
    return {
        "ccc": np.where(varies, 2 * covariance / _not_zero(together), 0.0),
        "pearson": np.where(varies, covariance / _not_zero(product), 0.0).clip(-1, 1),
        "mae": apart,
    }


def _not_zero(values: np.ndarray) -> np.ndarray:
    return np.where(values == 0, 1.0, values)


def quarters_of(truth: np.ndarray, predicted: np.ndarray) -> list[dict[str, Any]]:
    """Of each quarter of the decisions by their true value how it fares."""
    ends = np.unique(np.quantile(truth, [0, 0.25, 0.5, 0.75, 1]))
    places = np.clip(np.searchsorted(ends, truth, side="right") - 1, 0, max(len(ends) - 2, 0))
    return [
        {
            "low": float(truth[chosen].min()),
            "high": float(truth[chosen].max()),
            "clips": int(chosen.sum()),
            "mean": float(predicted[chosen].mean()),
            "mae": float(np.abs(truth - predicted)[chosen].mean()),
        }
        for place in range(places.max() + 1)
        if (chosen := places == place).any()
    ]
