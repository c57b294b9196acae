"""A number."""

import dataclasses
import math

import numpy as np

from keras_reparam._utils.concordance import concordance
from keras_reparam.deploy.tflite.linear_head import LinearHead
from recipes.common.protocol.task import Task
from recipes.common.results.intervals import resampled_ends
from recipes.common.tasks.regression_metrics import (
    RegressionMetrics,
    RegressionResults,
    evaluate_numbers,
    figures_of_sums,
    quarters_of,
    sums_of,
)
from recipes.common.tasks.without_classes import WITHOUT_CLASSES

# Of how many groups of about equally many clips the alike ones are.
_STRATA = 4


@dataclasses.dataclass(frozen=True)
class Regression(Task):
    """A number, as the model gives it.

    In training a model gives it on a scale on which the range is -1 to 1; then the last layer is
    scaled to its unit.

    Args:
        names: Name of the value, alone.
        target: The manifest's column.
        range: Lowest and highest value that there are.
        unit: What it is in; `""`: nothing.

    Example:

    >>> task = Regression(("age",), "age", range=(20, 80), unit="years")
    >>> task.targets([20, 65]).ravel().tolist(), task.scale
    ([-1.0, 0.5], (30.0, 50.0))
    """

    range: tuple[float, float] = (0.0, 1.0)
    unit: str = ""

    kind = "regression"
    figures = RegressionMetrics.figures
    selectable = ("ccc", "pearson")
    counted = tuple(RegressionMetrics.figures)
    score_rule = "numbers"
    score_prefix = "value_"
    picture = "values.png"
    named = "Value"
    parts_named = "Quarters"
    given = "Values"
    without = WITHOUT_CLASSES
    measures = (
        "CCC: Lin's concordance correlation coefficient; Pearson: the correlation; MAE: mean "
        "absolute error; each of the {}."
    )
    limits = (
        "It always gives a value, also for music, noise or silence between words, and keeps to the "
        "middle of the range where it can tell little."
    )

    @property
    def described(self):
        return f"a number, {self.answers}"

    @property
    def _head(self) -> LinearHead:
        return LinearHead(self.names, unit=self.unit, range=self.range)

    @property
    def answers(self):
        return self._head.described

    @property
    def output(self):
        return self._head.described

    def value_of(self, segment):
        try:
            return self.parsed(segment.cell(self.target) or "")
        except ValueError:
            return None

    def word(self, value):
        return repr(float(value))

    def parsed(self, word):
        try:
            value = float(word)
        except ValueError:
            value = math.nan
        if not math.isfinite(value):
            raise ValueError("must be a number")
        return value

    def array(self, values):
        return np.array(values, "float64")

    def strata(self, values):
        values = self.array(values)
        ends = np.unique(np.quantile(values, np.arange(1, _STRATA) / _STRATA))
        return np.searchsorted(ends, values).tolist()

    def unlearnable(self, values):
        return ["a second value"] if len(set(values)) < 2 else []

    @property
    def scale(self):
        low, high = self.range
        return (high - low) / 2, (high + low) / 2

    def targets(self, values):
        factor, offset = self.scale
        return ((self.array(values) - offset) / factor).astype("float32")[:, None]

    def loss(self, settings):
        import keras

        return keras.losses.MeanSquaredError()

    def scores(self, outputs):
        return np.asarray(outputs, "float64")

    def bad_scores(self, scores):
        return ~np.isfinite(scores).all(axis=1)

    def decision(self, mean):
        return float(mean[0])

    def baseline(self, values):
        return float(np.mean(values))

    def evaluate(self, truth, predicted, scores):
        return evaluate_numbers(truth, predicted)

    def validation_loss(self, truth, scores):
        return float(np.mean(((truth - scores[:, 0]) / self.scale[0]) ** 2))

    def intervals(self, truth, predicted, scores, speakers):
        names, owners = np.unique(speakers, return_inverse=True)
        # Near zero squares lose least.
        middle = truth.mean()
        sums = sums_of(truth - middle, predicted - middle, owners, len(names))
        return resampled_ends(len(names), lambda drawn: figures_of_sums(drawn @ sums))

    def tally(self, truth, predicted):
        pair = np.array([[truth], [predicted]]) - self.scale[1]
        return sums_of(*pair, np.zeros(1, int), 1)[0]

    def figures_of(self, tallies):
        return figures_of_sums(tallies)

    def results(self, decided, figures, about):
        return RegressionResults(
            **vars(figures),
            labels=self.names,
            unit=self.unit,
            value_range=self.range,
            quarters=quarters_of(*decided[:2]),
            **about,
        )

    def of_speaker(self, figures):
        return figures

    def draw(self, path, decided, results, *, title, subtitle):
        # Here, since pictures take a while to import.
        from recipes.common.tasks.value_plot import plot_values

        plot_values(path, *decided[:2], name=self.names[0], unit=self.unit, title=title,
                    subtitle=subtitle)  # fmt: skip

    @property
    def export_options(self):
        return {
            "labels": self.names,
            "head": "linear",
            "unit": self.unit,
            "value_range": self.range,
        }

    def agreement(self, predictions, others):
        return 1.0 if np.array_equal(predictions, others) else concordance(predictions, others)

    def clearness(self, values, scores):
        away = np.abs(self.array(values) - scores[:, 0])
        return np.zeros(len(away), bool), -away

    def card_columns(self, results, sure):
        return {}

    def header_metrics(self, figures):
        return [
            {
                "type": name,
                "name": figure.name,
                "value": round(getattr(figures, name), figure.decimals),
            }
            for name, figure in self.figures.items()
        ]
