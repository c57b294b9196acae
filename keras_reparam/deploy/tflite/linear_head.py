"""Values, each on a scale of its own range."""

import dataclasses
import math

import numpy as np

from keras_reparam._utils.concordance import concordance
from keras_reparam.deploy.tflite.head import Head, ScoreRow


@dataclasses.dataclass(frozen=True)
class LinearHead(Head):
    """Values, as the model gives them.

    Args:
        labels: Their names.
        unit: What they are in, as in `"years"`; `""`: nothing.
        range: Lowest and highest value that there are; a score may lie beyond.
    """

    unit: str = ""
    range: tuple[float, float] = (0.0, 1.0)

    quality_name = "CCC"
    agreement_name = "CCC with the model"
    # Who can tell little keeps near the mean.
    least_spread = 0.01
    takes_logits = False
    never_unsure = "a value has no probability"

    @property
    def width(self):
        return self.range[1] - self.range[0]

    def scores(self, outputs):
        return np.asarray(outputs, "float64")

    def agreement(self, scores, others):
        return min(map(_agreement, np.asarray(scores).T, np.asarray(others).T))

    def same_answer(self, scores, others):
        return True

    def checked_truth(self, truth, clips):
        try:
            found = np.asarray(truth, "float64").reshape(len(truth), -1)
        except ValueError as error:
            raise ValueError(f"`truth` must hold numbers. Received: {error}") from None
        if found.shape != (clips, len(self.labels)) or not np.isfinite(found).all():
            raise ValueError(
                f"`truth` must hold numbers of shape {(clips, len(self.labels))}. Received: shape "
                f"{found.shape}, finite: {bool(np.isfinite(found).all())}"
            )
        return found

    def quality(self, scores, truth):
        return float(np.mean([concordance(*pair) for pair in zip(truth.T, scores.T, strict=True)]))

    def label(self, scores):
        return None

    def values(self, scores):
        return dict(zip(self.labels, map(float, scores), strict=True))

    def answer(self, scores, *, silence):
        values = self.values(scores)
        return {
            "values": dict.fromkeys(values) if silence else values,
            "unit": self.unit,
            "range": list(self.range),
        }

    def rows(self, scores):
        low, high = self.range
        return [
            ScoreRow(
                name,
                f"{self._number(value)} {self.unit}".rstrip(),
                0.0,
                beside=f"of {self._number(low)} to {self._number(high)}",
                named=True,
            )
            for name, value in zip(self.labels, scores.tolist(), strict=True)
        ]

    @property
    def described(self):
        unit = f" in {self.unit}" if self.unit else ""
        low, high = map(self._number, self.range)
        return f"{', '.join(self.labels)}{unit}, on a scale from {low} to {high}"

    def _number(self, value: float) -> str:
        """Three digits of what the range spans."""
        decimals = max(0, 2 - math.floor(math.log10(self.width)))
        return f"{value:.{decimals}f}"


def _agreement(values: np.ndarray, others: np.ndarray) -> float:
    # A single clip, or values that are all the same, are as good as they are equal.
    return 1.0 if np.array_equal(values, others) else concordance(values, others)
