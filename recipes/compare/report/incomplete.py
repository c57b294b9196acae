"""What of the grid is done, and what is not, in words."""

from collections.abc import Sequence

from recipes.compare.report.comparison import Comparison, rate
from recipes.compare.report.scores import Group, Pair
from recipes.compare.tables.tables import Tables

_MOST_NAMED = 6


def progress(tables: Tables) -> str:
    """How many of the planned runs are done."""
    done, planned = len(tables.runs), tables.grid.runs
    told = f"{done:,} of {planned:,} planned runs are done."
    if done < planned:
        told += " This is a part of the grid: what is still missing may change what is said here."
    return told


def gaps(group: Group) -> list[str]:
    """What conditions lack of the folds and seeds that others of their group have."""
    pairs, told = group.pairs, []
    for condition in group.conditions:
        for value, runs in condition.by_rate.items():
            missing = [pair for pair in pairs if pair not in runs]
            if missing:
                name = condition.name + f" at {rate(value)}" * (len(condition.by_rate) > 1)
                told.append(
                    f"{name}: {len(runs)} of the {len(pairs)} folds and seeds that are done in "
                    f"any condition; without {_named(missing)}."
                )
        if condition.rate is None:
            told.append(
                f"{condition.name}: no fold and seed is done at every one of its learning rates, "
                "so none is chosen, and it is not compared."
            )
    return told


def alone(group: Group, comparisons: Sequence[Comparison]) -> list[str]:
    """Names of the conditions that nothing is compared with."""
    compared = {
        id(condition)
        for each in comparisons
        if each.group is group
        for condition in (each.first, each.second)
    }
    return [condition.name for condition in group.conditions if id(condition) not in compared]


def _named(pairs: Sequence[Pair]) -> str:
    named = ", ".join(f"{fold}/{seed}" for fold, seed in pairs[:_MOST_NAMED])
    more = len(pairs) - _MOST_NAMED
    return f"(fold/seed) {named}" + (f" and {more} more" if more > 0 else "")
