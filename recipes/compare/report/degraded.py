"""What each ingredient is worth on clean and on degraded validation clips."""

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from recipes.common.names import CLEAN
from recipes.compare.report.comparison import Comparison, points
from recipes.compare.report.report_tables import percent
from recipes.compare.report.scores import ConditionScores, Group, Pair, Spread
from recipes.compare.report.table import Table

_Two = tuple[ConditionScores, ConditionScores]


def degraded_table(groups: Sequence[Group]) -> Table:
    """One row per condition that was scored; no rows if none was."""
    names = heard_in(groups)
    scored = {group.heading: scored_conditions(group) for group in groups}
    return Table(
        name="degraded",
        caption="Unweighted accuracy in percent of the int8 file on clips of the validation "
        f"speakers: {CLEAN} and in conditions of recipes.robustness, and the mean of the degraded "
        "ones; mean, standard deviation and number n of folds and seeds.",
        head=("condition", "n", *names),
        alignment="lr" + "r" * len(names),
        sections={
            heading: [
                [each.name, str(_scored(each)), *(percent(each.degraded(name)) for name in names)]
                for each in conditions
            ]
            for heading, conditions in scored.items()
        },
        columns=("corpus", "backbone", "condition", "n", *_parts(names)),
        records=[
            {
                **_of(group, condition=each.name, n=_scored(each)),
                **_figures({name: each.degraded(name) for name in names}),
            }
            for group in groups
            for each in scored[group.heading]
        ],
    )


def worth_table(
    groups: Sequence[Group],
    comparisons: Sequence[Comparison],
    variants: Mapping[str, Mapping[str, Any]],
) -> Table:
    """One row per comparison of the report, and per variant that adds something to another.

    Args:
        groups: All.
        comparisons: Of the report.
        variants: Settings by name.
    """
    names = heard_in(groups)
    rows: dict[str, list[list[str]]] = {group.heading: [] for group in groups}
    records = []
    for group in groups:
        compared = [(c.first, c.second) for c in comparisons if c.group is group]
        for first, second in (*compared, *_extensions(group, variants)):
            pairs = _scored_pairs(first, second)
            if not pairs:
                continue
            found = {name: _difference(first, second, pairs, name) for name in names}
            name = f"{first.name} minus {second.name}"
            rows[group.heading].append([name, str(len(pairs)), *map(_in_points, found.values())])
            records.append({**_of(group, comparison=name, pairs=len(pairs)), **_figures(found)})
    return Table(
        name="degraded-differences",
        caption="Paired differences of these in points: mean and standard deviation over pairs of "
        "fold and seed. A variant is held against the unnamed one, and against those it adds "
        "settings to. They are there to choose by; nothing is tested.",
        head=("comparison", "pairs", *names),
        alignment="lr" + "r" * len(names),
        sections=rows,
        columns=("corpus", "backbone", "comparison", "pairs", *_parts(names)),
        records=records,
    )


def scored_conditions(group: Group) -> list[ConditionScores]:
    """Those of which a run was scored on degraded clips."""
    return [condition for condition in group.conditions if _scored(condition)]


def heard_in(groups: Sequence[Group]) -> tuple[str, ...]:
    """Names of the conditions that clips were heard in, `CLEAN` first; of all runs the same."""
    runs = (run for g in groups for each in g.conditions for run in each.runs.values())
    return next((tuple(run.degraded) for run in runs if run.degraded), ())


def _scored(condition: ConditionScores) -> int:
    return sum(bool(run.degraded) for run in condition.runs.values())


def _extensions(group: Group, variants: Mapping[str, Mapping[str, Any]]) -> Iterator[_Two]:
    """Conditions, and those alike but for a variant to which theirs adds the least."""
    conditions = {each.condition: each for each in group.conditions}
    for condition, first in conditions.items():
        settings = variants.get(condition.variant)
        if settings is None:
            continue
        parts = [
            name
            for name in variants
            if name not in ("", condition.variant) and _is_part(variants[name], settings)
        ]
        for name in parts:
            nearer = (other for other in parts if other != name)
            if not any(_is_part(variants[name], variants[other]) for other in nearer):
                second = conditions.get(dataclasses.replace(condition, variant=name))
                if second is not None:
                    yield first, second


def _is_part(part: Any, whole: Any) -> bool:
    """Whether `whole` has all settings of `part`, with the same values."""
    if isinstance(part, Mapping) and isinstance(whole, Mapping):
        return all(name in whole and _is_part(part[name], whole[name]) for name in part)
    return part == whole


def _scored_pairs(first: ConditionScores, second: ConditionScores) -> list[Pair]:
    return [
        pair
        for pair, run in first.runs.items()
        if run.degraded and pair in second.runs and second.runs[pair].degraded
    ]


def _difference(
    first: ConditionScores, second: ConditionScores, pairs: Sequence[Pair], name: str
) -> Spread:
    return Spread.of(
        [first.runs[pair].degraded[name] - second.runs[pair].degraded[name] for pair in pairs]
    )


def _in_points(spread: Spread) -> str:
    deviation = "" if spread.deviation is None else f" ± {100 * spread.deviation:.1f}"
    return f"{points(spread.mean)}{deviation}"


def _of(group: Group, **more: Any) -> dict[str, Any]:
    return {"corpus": group.corpus, "backbone": group.backbone, **more}


def _parts(names: Sequence[str]) -> list[str]:
    return [f"{name}_{part}" for name in names for part in ("mean", "deviation")]


def _figures(spreads: Mapping[str, Spread | None]) -> dict[str, float | None]:
    found: dict[str, float | None] = {}
    for name, spread in spreads.items():
        found[f"{name}_mean"] = spread and spread.mean
        found[f"{name}_deviation"] = spread and spread.deviation
    return found
