"""What is known of one form of a model after the test clips."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Literal

import numpy as np

from recipes.common.latency import Latency
from recipes.common.protocol.fold import Example, Fold
from recipes.common.results.calibration import sure_answers
from recipes.common.results.decisions import decide, majority_class
from recipes.common.results.metrics import FIGURES, Metrics, evaluate
from recipes.common.results.predictions import Predictions
from recipes.common.results.results import Results, results_of


@dataclasses.dataclass(frozen=True, kw_only=True)
class Measured:
    """One form of a model.

    Attributes:
        name: Quantization kind, or what form of Keras it is.
        probabilities: `(examples, classes)`.
        predictions: What was decided from them.
        results: Metrics of these decisions.
        latency: Size and time; `None` if it is no file.
        by_corpus: Metrics of the decisions about each corpus, by its title, if they are named.
    """

    name: str
    probabilities: np.ndarray
    predictions: Predictions
    results: Results
    latency: Latency | None = None
    by_corpus: Mapping[str, Metrics] = dataclasses.field(default_factory=dict)

    def sure_answers(self, unsure_below: float) -> dict[str, float | None]:
        """Coverage and accuracy of the answers that are not unsure."""
        found = self.predictions
        return sure_answers(found.truth, found.predicted, found.scores, unsure_below=unsure_below)

    @property
    def figures(self) -> dict[str, float]:
        """UA, of several corpora that of each, WA and so on, by the name that people read."""
        found = {name: getattr(self.results, figure) for figure, name in FIGURES.items()}
        if len(self.by_corpus) < 2:
            return found
        del found["UA"]
        return {f"UA {title}": metrics.ua for title, metrics in self.by_corpus.items()} | found

    def max_absolute_error(self, reference: "Measured") -> float:
        """Largest absolute difference of a probability of any example."""
        return float(np.abs(self.probabilities - reference.probabilities).max())

    def top1_agreement(self, reference: "Measured") -> float:
        """Share of the decisions that are the same."""
        return float(np.mean(self.predictions.predicted == reference.predictions.predicted))


def by_corpus(predictions: Predictions, examples: Sequence[Example]) -> dict[str, Metrics]:
    """Metrics of the decisions about each corpus that the examples name, by its title."""
    titles = {example.decision: example.corpus for example in examples}
    of = np.array([titles[name] for name in predictions.id.tolist()])
    return {
        title: evaluate(
            predictions.truth[of == title], predictions.predicted[of == title], predictions.labels
        )
        for title in dict.fromkeys(titles.values())
        if title
    }


def measured_forms(
    probabilities: Mapping[str, np.ndarray],
    fold: Fold,
    split: str,
    labels: Sequence[str],
    *,
    notes: Sequence[str] = (),
    rule: Literal["mean", "vote"] = "mean",
    latencies: Mapping[str, Latency] | None = None,
) -> dict[str, Measured]:
    """Every form by its name.

    Args:
        probabilities: `(examples, classes)` of `fold.tests[split]`, by form.
        fold: Who trained and tests.
        split: A name of `fold.tests`.
        labels: Class names.
        notes: What the results say besides.
        rule: How the examples of a decision become one, as in `decide`.
        latencies: Of the forms that are files.
    """
    examples, majority = fold.tests[split], majority_class(fold.train)
    forms = {}
    for name, scores in probabilities.items():
        predictions = Predictions.of(
            *decide(examples, scores, rule=rule),
            labels=labels,
            fold=fold.name,
            split=split,
            majority=majority,
        )
        forms[name] = Measured(
            name=name,
            probabilities=scores,
            predictions=predictions,
            results=results_of(predictions, notes=notes),
            latency=(latencies or {}).get(name),
            by_corpus=by_corpus(predictions, examples),
        )
    return forms
