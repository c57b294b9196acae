"""What is known of one form of a model after the test clips."""

import dataclasses

import numpy as np

from recipes.common.latency import Latency
from recipes.common.results.metrics import FIGURES
from recipes.common.results.predictions import Predictions
from recipes.common.results.results import Results


@dataclasses.dataclass(frozen=True, kw_only=True)
class Measured:
    """One form of a model.

    Attributes:
        name: Quantisation kind, or what form of Keras it is.
        probabilities: `(examples, classes)`.
        predictions: What was decided from them.
        results: Metrics of these decisions.
        latency: Size and time; `None` if it is no file.
    """

    name: str
    probabilities: np.ndarray
    predictions: Predictions
    results: Results
    latency: Latency | None = None

    @property
    def figures(self) -> dict[str, float]:
        """UA, WA and so on, by the name that people read."""
        return {name: getattr(self.results, figure) for figure, name in FIGURES.items()}

    def largest_difference(self, reference: "Measured") -> float:
        """Largest difference of a probability of any example."""
        return float(np.abs(self.probabilities - reference.probabilities).max())

    def same_class(self, reference: "Measured") -> float:
        """Share of the decisions that are the same."""
        return float(np.mean(self.predictions.predicted == reference.predictions.predicted))
