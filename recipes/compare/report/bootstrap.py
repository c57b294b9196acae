"""The difference of two conditions over all folds, and its interval over speakers."""

import dataclasses
from collections.abc import Sequence

import numpy as np
from scipy import stats

from recipes.common.protocol.task import Task
from recipes.common.results.intervals import CONFIDENCE, FEWEST_SPEAKERS
from recipes.compare.report.scores import ScoredRun
from recipes.compare.report.significance import DECIMALS
from recipes.compare.tables.decision_count import KERAS

RESAMPLES = 10_000
# Two one-sided tests at 5 % are an interval of 90 % within the margin.
EQUIVALENCE_CONFIDENCE = 0.9
_BATCH = 1_000
_SEED = 20241


@dataclasses.dataclass(frozen=True, kw_only=True)
class PooledDifference:
    """The difference of two conditions with all folds taken together.

    Attributes:
        value: From -1 to 1.
        interval: Its 95 % interval over speakers; `None` with fewer than three.
        narrow: Its 90 % interval, by which two conditions are equivalent or not.
        speakers: How many there are.
    """

    value: float
    interval: tuple[float, float] | None
    narrow: tuple[float, float] | None
    speakers: int


def pooled_difference(
    pairs: Sequence[tuple[ScoredRun, ScoredRun]], task: Task, figure: str
) -> PooledDifference:
    """How much higher the first runs of pairs score than the second, all folds taken together.

    For each seed the confusion matrices of its folds' test speakers are added up, and the figure of
    each sum computed; the difference is the mean over the seeds of the two figures' difference.
    Speakers, not clips, are then drawn with replacement, as many as there are, the same ones for
    both runs and for all seeds, 10,000 times (percentiles, as `results.intervals`). Seeds of which
    a resample holds no speaker are left out of it.

    Args:
        pairs: Runs of the same fold and seed.
        task: What was told of the clips.
        figure: Of the task's `counted`.
    """
    first, second = _confusions(pairs)
    count = len(first)

    def difference(drawn: np.ndarray, axis: int = -1) -> np.ndarray:
        # How often each speaker is drawn is all that matters of a resample.
        times = (np.moveaxis(drawn, axis, -1)[..., None] == np.arange(count)).sum(axis=-2)
        return _difference(times.astype("float64"), first, second, task, figure)

    observed = float(_difference(np.ones(count), first, second, task, figure))
    if count < FEWEST_SPEAKERS:
        return PooledDifference(value=observed, interval=None, narrow=None, speakers=count)
    found = stats.bootstrap(
        (np.arange(count),),
        difference,
        vectorized=True,
        n_resamples=RESAMPLES,
        batch=_BATCH,
        method="percentile",
        random_state=np.random.default_rng(_SEED),
    )

    def interval(confidence: float) -> tuple[float, float]:
        tail = (1 - confidence) / 2
        low, high = np.quantile(found.bootstrap_distribution, (tail, 1 - tail))
        return float(low), float(high)

    return PooledDifference(
        value=observed,
        interval=interval(CONFIDENCE),
        narrow=interval(EQUIVALENCE_CONFIDENCE),
        speakers=count,
    )


def _confusions(pairs: Sequence[tuple[ScoredRun, ScoredRun]]) -> tuple[np.ndarray, np.ndarray]:
    """Of both sides `(speakers, seeds, *tally)`, zero where a seed lacks a speaker."""
    speakers = sorted({name for run, _ in pairs for name in run.confusions[KERAS]})
    seeds = sorted({run.result.seed for run, _ in pairs})
    shape = next(iter(pairs[0][0].confusions[KERAS].values())).shape
    sides = np.zeros((2, len(speakers), len(seeds), *shape))
    for pair in pairs:
        for side, run in zip(sides, pair, strict=True):
            for name, confusion in run.confusions[KERAS].items():
                side[speakers.index(name), seeds.index(run.result.seed)] += confusion
    return sides[0], sides[1]


def _difference(
    times: np.ndarray, first: np.ndarray, second: np.ndarray, task: Task, figure: str
) -> np.ndarray:
    """Of resamples `(..., speakers)`, given how often each speaker is in them."""
    with np.errstate(invalid="ignore"):
        values = [
            task.figures_of(np.tensordot(times, side, axes=1))[figure] for side in (first, second)
        ]
    return np.round(np.nanmean(values[0] - values[1], axis=-1), DECIMALS)
