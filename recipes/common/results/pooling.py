"""Results over folds: their mean and deviation, and those of all predictions taken together."""

import dataclasses
import statistics
from collections.abc import Sequence

from recipes.common.results.predictions import Predictions
from recipes.common.results.results import Results, results_of


@dataclasses.dataclass(frozen=True, kw_only=True)
class FoldedResults:
    """Results of one split over the folds.

    Of classes; of another task they are that task's, with the same attributes.

    Attributes:
        folds: By the fold's name.
        mean: Mean over the folds of the task's figures, as `ua`, `wa`, `wf1` and `macro_f1`.
        deviation: Their standard deviation over the folds, of a sample (n - 1); `None` of a
            single fold.
        majority_mean: Mean over the folds of the majority baselines' figures.
        pooled: Of all folds' predictions taken together, with intervals over all speakers.
    """

    folds: dict[str, Results]
    mean: dict[str, float]
    deviation: dict[str, float] | None
    majority_mean: dict[str, float]
    pooled: Results


def folded_results(predictions: Predictions, *, notes: Sequence[str] = ()) -> FoldedResults:
    """Results of each fold in the order in which they come, and of all of them.

    Args:
        predictions: Of one split, of all folds.
        notes: As in `results_of`.
    """
    names = list(dict.fromkeys(predictions.fold.tolist()))
    folds = {name: results_of(predictions.where(fold=name), notes=notes) for name in names}
    figures = predictions.task.figures
    values = {name: [getattr(found, name) for found in folds.values()] for name in figures}
    return FoldedResults(
        folds=folds,
        mean={figure: statistics.fmean(found) for figure, found in values.items()},
        deviation=None
        if len(folds) == 1
        else {figure: statistics.stdev(found) for figure, found in values.items()},
        majority_mean={
            figure: statistics.fmean(found.majority[figure] for found in folds.values())
            for figure in figures
        },
        pooled=results_of(predictions, notes=notes),
    )
