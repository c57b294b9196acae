"""What is known of one form of a model after the test clips."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np

from recipes.common.latency import Latency
from recipes.common.protocol.figure import Figure
from recipes.common.protocol.fold import Example, Fold
from recipes.common.protocol.task import Task
from recipes.common.results.decisions import baseline, decide
from recipes.common.results.predictions import Predictions
from recipes.common.results.results import results_of


@dataclasses.dataclass(frozen=True, kw_only=True)
class Measured:
    """One form of a model.

    Attributes:
        name: Quantization kind, or what form of Keras it is.
        probabilities: `(examples, outputs)`: scores, of classes probabilities.
        predictions: What was decided from them.
        results: Metrics of these decisions.
        latency: Size and time; `None` if it is no file.
        by_corpus: Metrics of the decisions about each corpus, by its title, if they are named.
    """

    name: str
    probabilities: np.ndarray
    predictions: Predictions
    results: Any
    latency: Latency | None = None
    by_corpus: Mapping[str, Any] = dataclasses.field(default_factory=dict)

    def sure_answers(self, unsure_below: float) -> dict[str, float | None]:
        """Coverage and accuracy of the answers that are not unsure."""
        found = self.predictions
        return found.task.sure_answers(found.decided, unsure_below=unsure_below)

    @property
    def figures(self) -> dict[str, tuple[Figure, float]]:
        """UA, of several corpora that of each, WA and so on, by the name that people read."""
        (name, first), *others = self.predictions.task.figures.items()
        found = {first.name: (first, getattr(self.results, name))}
        if len(self.by_corpus) > 1:
            found = {
                f"{first.name} {title}": (first, getattr(metrics, name))
                for title, metrics in self.by_corpus.items()
            }
        return found | {
            figure.name: (figure, getattr(self.results, name)) for name, figure in others
        }

    def max_absolute_error(self, reference: "Measured") -> float:
        """Largest absolute difference of a probability of any example."""
        return float(np.abs(self.probabilities - reference.probabilities).max())

    def top1_agreement(self, reference: "Measured") -> float:
        """Share of the decisions that are the same, or how far numbers are."""
        found = (each.predictions.predicted for each in (self, reference))
        return self.predictions.task.agreement(*found)


def by_corpus(predictions: Predictions, examples: Sequence[Example]) -> dict[str, Any]:
    """Metrics of the decisions about each corpus that the examples name, by its title."""
    titles = {example.decision: example.corpus for example in examples}
    of = np.array([titles[name] for name in predictions.id.tolist()])
    return {
        title: predictions.task.evaluate(*(part[of == title] for part in predictions.decided))
        for title in dict.fromkeys(titles.values())
        if title
    }


def measured_forms(
    probabilities: Mapping[str, np.ndarray],
    fold: Fold,
    split: str,
    task: Task,
    *,
    notes: Sequence[str] = (),
    rule: Literal["mean", "vote"] = "mean",
    latencies: Mapping[str, Latency] | None = None,
) -> dict[str, Measured]:
    """Every form by its name.

    Args:
        probabilities: `(examples, outputs)` of `fold.tests[split]`, by form.
        fold: Who trained and tests.
        split: A name of `fold.tests`.
        task: Of the model.
        notes: What the results say besides.
        rule: How the examples of a decision become one, as in `decide`.
        latencies: Of the forms that are files.
    """
    examples, majority = fold.tests[split], baseline(fold.train, task)
    forms = {}
    for name, scores in probabilities.items():
        predictions = Predictions.of(
            *decide(examples, scores, task, rule=rule),
            task=task,
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
