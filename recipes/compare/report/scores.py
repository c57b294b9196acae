"""Scores of conditions, each at the learning rate that its validation scores chose."""

import collections
import dataclasses
import statistics
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from recipes.common.names import CLEAN
from recipes.common.protocol.task import Task
from recipes.compare.planning.condition import Condition, natural
from recipes.compare.tables.decision_count import KERAS
from recipes.compare.tables.overview import Overview
from recipes.compare.tables.run_result import RunResult
from recipes.compare.tables.tables import Tables

# Over all conditions but `CLEAN`.
DEGRADED_MEAN = "degraded"
# What runs are paired by.
Pair = tuple[str, int]


@dataclasses.dataclass(frozen=True, kw_only=True)
class ScoredRun:
    """A finished run: its figures and decisions.

    Attributes:
        result: Its row in `runs.csv`.
        confusions: By form and then speaker, the sum of the task's tallies: `(classes, classes)`.
        scores: By form and then figure, of the test split, from 0 to 1.
        degraded: UA of the int8 file on degraded validation clips by condition, `CLEAN` first, and
            `DEGRADED_MEAN`; empty if it was not scored so.
    """

    result: RunResult
    confusions: Mapping[str, Mapping[str, np.ndarray]]
    scores: Mapping[str, Mapping[str, float]]
    degraded: Mapping[str, float]

    @property
    def pair(self) -> Pair:
        """Fold and seed."""
        return self.result.fold, self.result.seed


@dataclasses.dataclass(frozen=True, kw_only=True)
class Spread:
    """Mean and standard deviation of a sample.

    Attributes:
        mean: The mean.
        deviation: Of a sample (n - 1); `None` of a single value.
        n: How many values.
    """

    mean: float
    deviation: float | None
    n: int

    @classmethod
    def of(cls, values: list[float]) -> "Spread":
        """That of at least one value."""
        deviation = statistics.stdev(values) if len(values) > 1 else None
        return cls(mean=statistics.fmean(values), deviation=deviation, n=len(values))


@dataclasses.dataclass(frozen=True, kw_only=True)
class ConditionScores:
    """What is known of a condition.

    Attributes:
        condition: Which.
        name: How it is called.
        by_rate: Runs by learning rate, lowest first, and then by fold and seed.
        common: The folds and seeds that are done at every rate, by which rates are compared.
        validation: Mean validation score over `common` by rate, from 0 to 1; empty if there is no
            choice to make, or nothing to make it by.
        rate: The chosen rate; `None` if several are there and no fold and seed is done at all.
    """

    condition: Condition
    name: str
    by_rate: Mapping[float, Mapping[Pair, ScoredRun]]
    common: tuple[Pair, ...]
    validation: Mapping[float, float]
    rate: float | None

    @property
    def runs(self) -> Mapping[Pair, ScoredRun]:
        """Those at the chosen rate."""
        return {} if self.rate is None else self.by_rate[self.rate]

    @property
    def at_edge(self) -> bool:
        """Whether a rate beyond those tried might have been better still."""
        return len(self.by_rate) > 1 and self.rate in (min(self.by_rate), max(self.by_rate))

    @property
    def epochs(self) -> tuple[int, ...]:
        """Numbers of epochs that its runs were to have."""
        return tuple(sorted({run.result.epochs for run in self.runs.values()}))

    def test(self, figure: str, form: str = KERAS) -> Spread | None:
        """Of a test figure over folds and seeds; `None` without any run in this form."""
        return self._spread(lambda run: run.scores.get(form, {}).get(figure))

    def degraded(self, condition: str) -> Spread | None:
        """Of the UA on degraded validation clips; `None` if no run was scored so."""
        return self._spread(lambda run: run.degraded.get(condition))

    def of(self, attribute: str) -> Spread | None:
        """Of an attribute of the runs; `None` where no run has it."""
        return self._spread(lambda run: getattr(run.result, attribute))

    def _spread(self, value: Callable[[ScoredRun], float | None]) -> Spread | None:
        values = [value(run) for run in self.runs.values()]
        values = [each for each in values if each is not None]
        return Spread.of(values) if values else None


@dataclasses.dataclass(frozen=True, kw_only=True)
class Group:
    """All conditions of one corpus and backbone.

    Attributes:
        corpus: Name of the recipe.
        title: How the corpus is called.
        task: What was told of the clips.
        notes: What must be known of figures on it.
        backbone: Its name.
        figure: The headline figure, which also chose epochs, of the task's.
        conditions: Sorted.
    """

    corpus: str
    title: str
    task: Task
    notes: tuple[str, ...]
    backbone: str
    figure: str
    conditions: tuple[ConditionScores, ...]

    @property
    def labels(self) -> tuple[str, ...]:
        """Names of the classes, or of what else was told."""
        return self.task.names

    @property
    def figure_name(self) -> str:
        """The headline figure, for people."""
        return self.task.figures[self.figure].name

    @property
    def heading(self) -> str:
        """What it is of, and in which figure."""
        return f"{self.title}, {self.backbone} ({self.figure_name})"

    @property
    def pairs(self) -> tuple[Pair, ...]:
        """Every fold and seed that any condition has done at any rate."""
        runs = (runs for condition in self.conditions for runs in condition.by_rate.values())
        return sorted_pairs({pair for each in runs for pair in each})


def groups_of(tables: Tables) -> tuple[Group, ...]:
    """The groups, sorted by corpus (as `grid.json` has them) and backbone."""
    members: dict[tuple[str, str], list[ScoredRun]] = collections.defaultdict(list)
    for run in _runs(tables):
        members[run.result.corpus, run.result.backbone].append(run)
    order = list(tables.grid.corpora)
    variants = list(variants_of(tables.grid))
    found = []
    for corpus, backbone in sorted(members, key=lambda key: (order.index(key[0]), key[1])):
        runs, about = members[corpus, backbone], tables.grid.corpora[corpus]
        figure = runs[0].result.select_on
        found.append(
            Group(
                corpus=corpus,
                title=about.title,
                task=tables.grid.task(corpus),
                notes=about.notes,
                backbone=backbone,
                figure=figure,
                conditions=_conditions(runs, figure, variants),
            )
        )
    return tuple(found)


def variants_of(grid: Overview) -> dict[str, Mapping[str, Any]]:
    """The settings of every variant of a grid, in its order."""
    found: dict[str, Mapping[str, Any]] = {}
    for axes in (grid.settings, *grid.settings.get("include", ())):
        for name, settings in axes.get("variants", {}).items():
            found.setdefault(name, settings)
    return found


def sorted_pairs(pairs: set[Pair]) -> tuple[Pair, ...]:
    """By fold, "fold 2" before "fold 10", and then by seed."""
    return tuple(sorted(pairs, key=lambda pair: (natural(pair[0]), pair[1])))


def _runs(tables: Tables) -> list[ScoredRun]:
    tasks = {name: tables.grid.task(name) for name in tables.grid.corpora}
    of = {result.run: result for result in tables.runs}
    degraded: dict[str, dict[str, float]] = collections.defaultdict(dict)
    for row in tables.degraded:
        degraded[row.run][row.condition] = row.ua
    found: dict[str, dict[str, dict[str, np.ndarray]]] = {name: {} for name in of}
    for row in tables.decisions:
        task = tasks[of[row.run].corpus]
        speakers = found[row.run].setdefault(row.form, {})
        tally = row.count * task.tally(task.parsed(row.label), task.parsed(row.prediction))
        speakers[row.speaker] = speakers.get(row.speaker, 0) + tally
    return [
        ScoredRun(
            result=of[name],
            confusions=forms,
            scores={
                form: _figures(tasks[of[name].corpus], speakers) for form, speakers in forms.items()
            },
            degraded=_with_mean(degraded.get(name, {})),
        )
        for name, forms in found.items()
    ]


def _figures(task: Task, speakers: Mapping[str, np.ndarray]) -> dict[str, float]:
    figures = task.figures_of(sum(speakers.values()))
    return {name: float(value) for name, value in figures.items()}


def _with_mean(scores: Mapping[str, float]) -> dict[str, float]:
    if not scores:
        return {}
    degraded = {name: ua for name, ua in scores.items() if name != CLEAN}
    return {CLEAN: scores[CLEAN], DEGRADED_MEAN: statistics.fmean(degraded.values()), **degraded}


def _conditions(
    runs: list[ScoredRun], figure: str, variants: list[str]
) -> tuple[ConditionScores, ...]:
    members: dict[Condition, list[ScoredRun]] = collections.defaultdict(list)
    for run in runs:
        members[Condition.of(run.result, run.result.ablation, run.result.variant)].append(run)
    several = len({condition.optimizer for condition in members}) > 1

    def key(condition: Condition) -> tuple:
        *others, variant = condition.key
        # In the grid's order, as far as it tells.
        return (*others, variants.index(variant) if variant in variants else -1, variant)

    return tuple(
        _condition(condition, condition.name(with_optimizer=several), members[condition], figure)
        for condition in sorted(members, key=key)
    )


def _condition(
    condition: Condition, name: str, runs: list[ScoredRun], figure: str
) -> ConditionScores:
    rates = sorted({run.result.learning_rate for run in runs})
    by_pair = {rate: {r.pair: r for r in runs if r.result.learning_rate == rate} for rate in rates}
    by_rate = {
        rate: {pair: at[pair] for pair in sorted_pairs(set(at))} for rate, at in by_pair.items()
    }
    common = sorted_pairs(set.intersection(*(set(at) for at in by_rate.values())))
    validation = {}
    if len(rates) > 1 and common:
        validation = {
            rate: statistics.fmean(getattr(at[pair].result, f"val_{figure}") for pair in common)
            for rate, at in by_rate.items()
        }
        # Of equals the lowest.
        rate = max(rates, key=lambda rate: (round(validation[rate], 12), -rate))
    else:
        rate = rates[0] if len(rates) == 1 else None
    return ConditionScores(
        condition=condition,
        name=name,
        by_rate=by_rate,
        common=common,
        validation=validation,
        rate=rate,
    )
