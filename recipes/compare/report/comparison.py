"""Paired differences between the conditions of a group, and what they support."""

import dataclasses
from collections.abc import Iterator, Mapping, Sequence

from recipes.common.results.intervals import CONFIDENCE, FEWEST_SPEAKERS
from recipes.compare.report.bootstrap import EQUIVALENCE_CONFIDENCE, pooled_difference
from recipes.compare.report.mixed_model import mixed_difference
from recipes.compare.report.scores import ConditionScores, Group, Pair, Spread, sorted_pairs
from recipes.compare.report.significance import DECIMALS, holm, wilcoxon
from recipes.compare.tables.decision_count import KERAS

# What a difference needs to be shown.
FEWEST_SEEDS = 5
LEVEL = 0.05
# Conditions that differ by less than this are equivalent.
MARGIN = 0.01
_CONFIDENCE = f"{CONFIDENCE:.0%}"
_SMALLEST = 0.0001


@dataclasses.dataclass(frozen=True, kw_only=True)
class Comparison:
    """How much higher one condition scores than another, in the group's headline figure.

    All differences are of scores from 0 to 1.

    Attributes:
        group: Both conditions' group.
        first: The condition that the difference is of.
        second: What is taken away from it.
        differences: By fold and seed, of those that both conditions have done.
        spread: Mean and deviation of them; `None` if there are none.
        pooled: Difference with all folds taken together, mean over the seeds.
        interval: Of `pooled`, over speakers; `None` with fewer than three.
        narrow: The 90 % interval of `pooled`, that of two one-sided tests at 5 %.
        mixed: Difference and 95 % interval of `mixed_difference`.
        speakers: Number of test speakers.
        p: Of Wilcoxon's test.
        least_p: The smallest that so many pairs can give.
        corrected_p: By Holm's method, over all comparisons of the report that have pairs.
        family: How many these are.
    """

    group: Group
    first: ConditionScores
    second: ConditionScores
    differences: Mapping[Pair, float]
    spread: Spread | None = None
    pooled: float | None = None
    interval: tuple[float, float] | None = None
    narrow: tuple[float, float] | None = None
    mixed: tuple[float, tuple[float, float]] | None = None
    speakers: int = 0
    p: float | None = None
    least_p: float | None = None
    corrected_p: float | None = None
    family: int = 0

    @property
    def name(self) -> str:
        """Which is compared with which."""
        return f"{self.first.name} minus {self.second.name}"

    @property
    def seeds(self) -> int:
        """How many seeds the pairs have."""
        return len({seed for _, seed in self.differences})

    @property
    def doubts(self) -> tuple[str, ...]:
        """Why no difference is shown, in words; none: it is."""
        if self.spread is None:
            return ("no fold and seed is done in both",)
        found = []
        if self.seeds < FEWEST_SEEDS:
            found.append(f"{counted(self.seeds, 'seed')} where {FEWEST_SEEDS} are the least")
        if self.interval is None:
            found.append(
                f"no interval over {counted(self.speakers, 'speaker')} where {FEWEST_SPEAKERS} are "
                "the least"
            )
        elif self.interval[0] <= 0 <= self.interval[1]:
            found.append(f"the {_CONFIDENCE} interval over speakers includes zero")
        if self.corrected_p >= LEVEL:
            told = f"Holm-corrected p {equals(self.corrected_p)} is not below {LEVEL}"
            if self.least_p * self.family >= LEVEL:
                pairs = counted(len(self.differences), "pair")
                least = probability(self.least_p)
                told += f", and the smallest uncorrected one of {pairs} is {least}"
            found.append(told)
        if self.spread.mean * self.pooled < 0:
            found.append("mean and pooled difference have opposite signs")
        return tuple(found)

    @property
    def is_shown(self) -> bool:
        """Whether the numbers support a difference."""
        return not self.doubts

    @property
    def is_equivalent(self) -> bool:
        """Whether the numbers support that the conditions differ by less than `MARGIN`.

        Two one-sided tests at 5 % (Schuirmann 1987), over speakers.
        """
        if self.narrow is None or self.seeds < FEWEST_SEEDS:
            return False
        return self.narrow[0] > -MARGIN and self.narrow[1] < MARGIN

    @property
    def cautions(self) -> tuple[str, ...]:
        """What else may explain a difference, or hide one, as sentences."""
        conditions, found = (self.first, self.second), []
        if (
            self.first.condition.ablation == "chained"
            or self.second.condition.ablation == "chained"
        ):
            found.append("Chained and folded compute the same function: equal results are expected")
        rates = [tuple(condition.by_rate) for condition in conditions]
        if rates[0] != rates[1]:
            tried = " and ".join(
                f"{_rates(condition)} for {condition.name}" for condition in conditions
            )
            found.append(f"Unequal tuning: the learning rates tried are {tried}")
        elif len(rates[0]) == 1:
            found.append(
                "Both were trained at one learning rate only "
                f"({_rates(conditions[0])}): this may be a comparison of learning rates"
            )
        for condition in conditions:
            if condition.at_edge:
                found.append(
                    f"The learning rate of {condition.name}, {rate(condition.rate)}, is at the end "
                    "of those tried: one beyond may be better"
                )
        if (
            conditions[0].epochs
            and conditions[1].epochs
            and conditions[0].epochs != conditions[1].epochs
        ):
            trained = " and ".join(
                f"{epochs(condition)} for {condition.name}" for condition in conditions
            )
            found.append(f"Epochs differ: {trained}")
        return tuple(found)


def comparisons_of(groups: Sequence[Group]) -> tuple[Comparison, ...]:
    """All comparisons of a report, their p-values corrected together.

    For every size: HRF minus plain, and HRF minus each of its ablations. All with a quantizer or a
    variant minus the same without. Light with HRF minus plain large, and plain light minus it.
    """
    found = [
        _compared(group, first, second)
        for group in groups
        for first, second in _conditions_of(group)
    ]
    corrected = iter(holm([each.p for each in found if each.p is not None]))
    family = sum(each.p is not None for each in found)
    return tuple(
        each
        if each.p is None
        else dataclasses.replace(each, corrected_p=next(corrected), family=family)
        for each in found
    )


def _conditions_of(group: Group) -> Iterator[tuple[ConditionScores, ConditionScores]]:
    conditions = {condition.condition: condition for condition in group.conditions}
    for condition, first in conditions.items():
        if not condition.is_expanded:
            continue
        ablations = [
            other
            for other in conditions
            if other.ablation and dataclasses.replace(other, ablation="") == condition
        ]
        for other in (condition.plain, *ablations):
            if other in conditions:
                yield first, conditions[other]
    for condition, first in conditions.items():
        for axis in ("quantizer", "variant"):
            without = dataclasses.replace(condition, **{axis: ""})
            if without != condition and without in conditions:
                yield first, conditions[without]
    for condition, first in conditions.items():
        large = dataclasses.replace(condition.plain, size="large")
        if condition.size == "light" and not condition.ablation and large in conditions:
            yield first, conditions[large]


def _compared(group: Group, first: ConditionScores, second: ConditionScores) -> Comparison:
    common = sorted_pairs(set(first.runs) & set(second.runs))
    both = {pair: (first.runs[pair], second.runs[pair]) for pair in common}
    differences = {
        pair: one.scores[KERAS][group.figure] - other.scores[KERAS][group.figure]
        for pair, (one, other) in both.items()
    }
    found = Comparison(group=group, first=first, second=second, differences=differences)
    if not common:
        return found
    pooled = pooled_difference(list(both.values()), group.task, group.figure)
    p, least_p = wilcoxon(list(differences.values()))
    return dataclasses.replace(
        found,
        spread=Spread.of(list(differences.values())),
        pooled=pooled.value,
        interval=pooled.interval,
        narrow=pooled.narrow,
        mixed=mixed_difference(list(both.values()), group.task, group.figure),
        speakers=pooled.speakers,
        p=p,
        least_p=least_p,
    )


def sentence(comparison: Comparison, *, short: bool = False) -> str:
    """What a comparison supports, in words.

    Args:
        comparison: Which.
        short: One sentence, without what else may explain it.
    """
    if comparison.spread is None:
        return f"{comparison.name}: nothing can be said, {comparison.doubts[0]}."
    numbers = "; ".join(_numbers(comparison, short=short))
    verdict = _verdict(comparison)
    if short:
        return f"{comparison.name}: {numbers}; {verdict}."
    return " ".join(
        [
            f"{comparison.name}: {numbers}.",
            f"{verdict[0].upper()}{verdict[1:]}.",
            *(f"{each}." for each in comparison.cautions),
        ]
    )


def _numbers(comparison: Comparison, *, short: bool) -> Iterator[str]:
    figure, deviation = comparison.group.figure_name, comparison.spread.deviation
    pairs = f"{counted(len(comparison.differences), 'pair')} of fold and seed"
    spread = "" if short or deviation is None else f" ± {100 * deviation:.1f}"
    yield (
        f"{points(comparison.spread.mean)}{spread} points of {figure} over {pairs} "
        f"({counted(comparison.seeds, 'seed')})"
    )
    if comparison.interval:
        yield (
            f"folds pooled {points(comparison.pooled)}, {_CONFIDENCE} interval over "
            f"{comparison.speakers} speakers {span(comparison.interval)}"
        )
    elif not short:
        yield f"folds pooled {points(comparison.pooled)}"
    if comparison.mixed and not short:
        value, interval = comparison.mixed
        yield f"mixed model {points(value)}, {span(interval)}"
    if not short:
        yield (
            f"p {equals(comparison.p)}, Holm-corrected over "
            f"{counted(comparison.family, 'comparison')} {equals(comparison.corrected_p)}"
        )


def _verdict(comparison: Comparison) -> str:
    alike = f"within ±{100 * MARGIN:g} point" if comparison.is_equivalent else ""
    if not comparison.is_shown:
        doubts = "; ".join(comparison.doubts)
        if alike:
            narrow = f"{EQUIVALENCE_CONFIDENCE:.0%} interval {span(comparison.narrow)}"
            return f"equivalent, {alike} ({narrow}); no difference shown ({doubts})"
        return f"no difference shown ({doubts})"
    higher = "higher" if comparison.pooled > 0 else "lower"
    told = (
        f"difference shown: {comparison.first.name} scores {higher} than {comparison.second.name}"
    )
    return f"{told}, though {alike}" if alike else told


def points(value: float) -> str:
    """A difference of scores in percentage points, with its sign."""
    value = round(100 * value, DECIMALS - 2)
    if not value:
        return "0.0"
    # What is not zero is not shown as zero.
    return f"{value:+.1f}" if abs(value) >= 0.05 else f"{value:+.1g}"


def span(interval: tuple[float, float]) -> str:
    """An interval in points."""
    return f"{points(interval[0])} to {points(interval[1])}"


def probability(p: float) -> str:
    """A p-value with two digits, never rounded across the level."""
    if p < _SMALLEST:
        return f"<{_SMALLEST}"
    text = f"{p:.2g}"
    return text if (float(text) < LEVEL) == (p < LEVEL) else f"{p:.6g}"


def equals(p: float) -> str:
    """A p-value as the end of "p = 0.02"."""
    return probability(p).replace("<", "< ") if p < _SMALLEST else f"= {probability(p)}"


def rate(value: float) -> str:
    """A multiple of the recipe's learning rate."""
    return f"x{value:g}"


def epochs(condition: ConditionScores) -> str:
    """The numbers of epochs of a condition."""
    return " or ".join(map(str, condition.epochs)) or "none"


def _rates(condition: ConditionScores) -> str:
    return ", ".join(map(rate, condition.by_rate))


def counted(number: int, what: str) -> str:
    """A number of things, as "1 pair" or "2 pairs"."""
    return f"{number} {what}" + "s" * (number != 1)
