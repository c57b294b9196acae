"""Scores of conditions and their differences over all folds, with intervals over speakers."""

import dataclasses
from collections.abc import Callable, Sequence

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
class Pooled:
    """A figure, or the difference of two, with all folds taken together.

    Attributes:
        value: The mean over seeds.
        interval: Its 95 % interval over speakers; `None` with fewer than three.
        narrow: Its 90 % interval, by which two conditions are equivalent or not.
        speakers: How many there are.
    """

    value: float
    interval: tuple[float, float] | None
    narrow: tuple[float, float] | None
    speakers: int


def pooled_score(runs: Sequence[ScoredRun], task: Task, figure: str) -> Pooled:
    """A figure of runs, all folds taken together; its interval as that of `pooled_difference`.

    Args:
        runs: At least one, of one condition.
        task: What was told of the clips.
        figure: Of the task's `counted`.
    """
    (tallies,) = _tallies([(run,) for run in runs])

    def value(times: np.ndarray) -> np.ndarray:
        return np.nanmean(_figures(times, tallies, task, figure), axis=-1)

    return _resampled(value, len(tallies))


def pooled_difference(
    pairs: Sequence[tuple[ScoredRun, ScoredRun]], task: Task, figure: str
) -> Pooled:
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
    first, second = _tallies(pairs)

    def difference(times: np.ndarray) -> np.ndarray:
        one, other = (_figures(times, side, task, figure) for side in (first, second))
        return np.nanmean(one - other, axis=-1)

    return _resampled(difference, len(first))


def _resampled(value_of: Callable[[np.ndarray], np.ndarray], count: int) -> Pooled:
    """A value of how often each of so many speakers is heard, `(..., speakers)`."""

    def value(times: np.ndarray) -> np.ndarray:
        return np.round(value_of(times), DECIMALS)

    def of_drawn(drawn: np.ndarray, axis: int = -1) -> np.ndarray:
        # How often each speaker is drawn is all that matters of a resample.
        times = (np.moveaxis(drawn, axis, -1)[..., None] == np.arange(count)).sum(axis=-2)
        return value(times.astype("float64"))

    observed = float(value(np.ones(count)))
    if count < FEWEST_SPEAKERS:
        return Pooled(value=observed, interval=None, narrow=None, speakers=count)
    found = stats.bootstrap(
        (np.arange(count),),
        of_drawn,
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

    return Pooled(
        value=observed,
        interval=interval(CONFIDENCE),
        narrow=interval(EQUIVALENCE_CONFIDENCE),
        speakers=count,
    )


def _tallies(sides: Sequence[tuple[ScoredRun, ...]]) -> np.ndarray:
    """`(sides, speakers, seeds, *tally)`, zero where a seed lacks a speaker.

    Args:
        sides: Runs of the same fold and seed.
    """
    speakers = sorted({name for run, *_ in sides for name in run.confusions[KERAS]})
    seeds = sorted({run.result.seed for run, *_ in sides})
    shape = next(iter(sides[0][0].confusions[KERAS].values())).shape
    found = np.zeros((len(sides[0]), len(speakers), len(seeds), *shape))
    for runs in sides:
        for side, run in zip(found, runs, strict=True):
            for name, confusion in run.confusions[KERAS].items():
                side[speakers.index(name), seeds.index(run.result.seed)] += confusion
    return found


def _figures(times: np.ndarray, tallies: np.ndarray, task: Task, figure: str) -> np.ndarray:
    """Of resamples `(..., speakers)`, given how often each speaker is in them: `(..., seeds)`."""
    with np.errstate(invalid="ignore"):
        return task.figures_of(np.tensordot(times, tallies, axes=1))[figure]
