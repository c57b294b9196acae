"""The report's tables: scores, learning rates, differences, and each pair's difference."""

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from recipes.common.results.intervals import CONFIDENCE
from recipes.common.results.metrics import FIGURES
from recipes.compare.report.comparison import (
    MARGIN,
    Comparison,
    points,
    probability,
    rate,
    span,
)
from recipes.compare.report.scores import ConditionScores, Group, Spread
from recipes.compare.report.sensitivity import CLOSE, RateRange
from recipes.compare.report.table import Table
from recipes.compare.tables.decision_count import INT4, INT8, KERAS

_UNKNOWN = "-"
_CONDITION = ("size", "expansion", "factors", "optimizer", "ablation", "quantizer", "variant")
_OF_RUNS = (
    *("parameters_training", "parameters_merged", "macs", "int8_bytes", "int8_milliseconds"),
    *("float_milliseconds", "seconds", "clips_per_second"),
)


def score_table(groups: Sequence[Group]) -> Table:
    """One row per condition."""
    # Those of classes in any case.
    figures = dict.fromkeys([*FIGURES, *(n for g in groups for n in g.task.counted)])
    scored = [f"{form}{figure}" for form in ("", "int8_") for figure in figures]
    return Table(
        name="scores",
        caption="Test scores in percent at the learning rate chosen by validation: mean, standard "
        "deviation and number n of folds and seeds; parameters, multiply-adds of one window, and "
        "the int8 file.",
        head=("condition", "score", "n", "rate", "parameters in training", "merged", "MACs",
              "int8 kB", "int8 score", "int8 ms"),
        alignment="lrrlrrrrrr",
        sections={
            group.heading: [_score_row(group, condition) for condition in group.conditions]
            for group in groups
        },
        columns=(
            *("corpus", "backbone", "condition", *_CONDITION, "select_on", "learning_rate"),
            *("rates_tried", "epochs", "n", "folds", "seeds"),
            *(f"{name}_{part}" for name in scored for part in ("mean", "deviation")),
            *_OF_RUNS,
        ),
        records=[
            _score_record(group, condition, figures)
            for group in groups
            for condition in group.conditions
        ],
    )  # fmt: skip


def file_table(groups: Sequence[Group]) -> Table:
    """Sizes and scores of the files of few bits, of the conditions that have several."""
    forms = {"int8": INT8, "int4": INT4}
    rows: dict[str, list[list[str]]] = {group.heading: [] for group in groups}
    records = []
    for group in groups:
        for condition in group.conditions:
            if condition.of("int4_bytes") is None:
                continue
            sizes = {name: condition.of(f"{name}_bytes") for name in forms}
            scores = {name: condition.test(group.figure, form) for name, form in forms.items()}
            words = [x for name in forms for x in (_kilobytes(sizes[name]), percent(scores[name]))]
            rows[group.heading].append([condition.name, *words])
            record = _about(group, condition)
            for name in forms:
                size, score = sizes[name], scores[name]
                record[f"{name}_bytes"] = size and size.mean
                record[f"{name}_mean"] = score and score.mean
                record[f"{name}_deviation"] = score and score.deviation
            records.append(record)
    figures = [f"{name}_{part}" for name in forms for part in ("bytes", "mean", "deviation")]
    return Table(
        name="files",
        caption="Files with weights of 8 bits, and of 4 bits rounded after training: what a "
        "quantizer in training must beat. Test scores in percent as in the table of scores.",
        head=("condition", "int8 kB", "int8 score", "int4 kB", "int4 score"),
        alignment="lrrrr",
        sections=rows,
        columns=("corpus", "backbone", "condition", *_CONDITION, *figures),
        records=records,
    )


def compact_scores(group: Group) -> tuple[list[str], list[list[str]]]:
    """Head and rows of a group's scores as a README shows them."""
    table = score_table([group])
    figure = group.figure_name
    head = [
        {"score": f"{figure} in %", "int8 score": f"int8 {figure}"}.get(h, h) for h in table.head
    ]
    return head, [list(row) for row in table.sections[group.heading]]


def rate_table(groups: Sequence[Group]) -> Table:
    """What the learning rates were chosen by, of the conditions that have several."""
    rows = {group.heading: [] for group in groups}
    records = []
    for group in groups:
        for condition in group.conditions:
            for value, runs in condition.by_rate.items():
                validation = condition.validation.get(value)
                chosen = len(condition.by_rate) > 1 and value == condition.rate
                records.append(
                    {
                        **_about(group, condition),
                        "learning_rate": f"{value:g}",
                        "runs": len(runs),
                        "compared": len(condition.common),
                        "validation": validation,
                        "chosen": int(value == condition.rate),
                    }
                )
                if len(condition.by_rate) > 1:
                    words = _UNKNOWN if validation is None else f"{100 * validation:.1f}"
                    rows[group.heading].append(
                        [
                            condition.name,
                            rate(value),
                            words,
                            str(len(condition.common)),
                            "yes" * chosen,
                        ]
                    )
    return Table(
        name="rates",
        caption="Learning rates, as multiples of the recipe's own: mean validation score in "
        "percent over the n folds and seeds that are done at every rate of the condition.",
        head=("condition", "rate", "validation score", "n", "chosen"),
        alignment="llrrl",
        sections=rows,
        columns=tuple(records[0]),
        records=records,
    )


def sensitivity_table(groups: Sequence[Group]) -> Table:
    """One row per condition that has several learning rates."""
    rows = {group.heading: [] for group in groups}
    records = []
    for group in groups:
        for condition in group.conditions:
            found = RateRange.of(condition)
            if found is None:
                continue
            best = condition.validation[condition.rate]
            rows[group.heading].append(
                [
                    condition.name,
                    f"{100 * best:.1f}",
                    rate(condition.rate),
                    f"{'≤ ' * found.low_is_end}{rate(round(found.low, 2))} to "
                    f"{'≥ ' * found.high_is_end}{rate(round(found.high, 2))}",
                    f"{'≥ ' * (found.low_is_end or found.high_is_end)}{found.width:.1f}",
                ]
            )
            records.append(
                {
                    **_about(group, condition),
                    "best": best,
                    "learning_rate": f"{condition.rate:g}",
                    **dataclasses.asdict(found),
                    "width": found.width,
                }
            )
    return Table(
        name="sensitivity",
        caption="How much depends on the learning rate: the best mean validation score in percent, "
        f"and the rates within {100 * CLOSE:g} point of it (interpolated between those tried; with "
        "≤ or ≥ where those end); their width is the highest over the lowest.",
        head=("condition", "best validation score", "rate", "rates within a point", "width"),
        alignment="lrlll",
        sections=rows,
        columns=(
            *("corpus", "backbone", "condition", *_CONDITION, "best", "learning_rate"),
            *(field.name for field in dataclasses.fields(RateRange)),
            "width",
        ),
        records=records,
    )


def difference_table(groups: Sequence[Group], comparisons: Sequence[Comparison]) -> Table:
    """One row per comparison."""
    return Table(
        name="differences",
        caption="Paired differences of test scores in points: mean and standard deviation over "
        f"pairs of fold and seed; difference of all folds pooled with its {CONFIDENCE:.0%} "
        f"bootstrap interval over speakers; by a mixed model with its {CONFIDENCE:.0%} interval; "
        "Wilcoxon's p, the smallest that so many pairs can give, and p corrected by Holm's method "
        f"over all comparisons; whether they are equivalent, within {100 * MARGIN:g} point.",
        head=("comparison", "mean", "pairs", "seeds", "pooled", f"{CONFIDENCE:.0%} interval",
              "speakers", "mixed model", "p", "smallest p", "corrected p", "difference",
              "equivalent"),
        alignment="lrrrrrrrrrrll",
        sections=_sections(groups, comparisons, lambda each: [_difference_row(each)]),
        columns=(
            *("corpus", "backbone", "comparison", "figure", "pairs", "seeds", "mean", "deviation"),
            *("pooled", "low", "high", "speakers", "mixed", "mixed_low", "mixed_high"),
            *("p", "smallest_p", "corrected_p", "shown", "narrow_low", "narrow_high"),
            "equivalent",
        ),
        records=[_difference_record(each) for each in comparisons],
    )  # fmt: skip


def pair_table(groups: Sequence[Group], comparisons: Sequence[Comparison]) -> Table:
    """Every pair's difference."""

    def row(each: Comparison) -> list[list[str]]:
        told = (f"{fold}/{seed}: {points(d)}" for (fold, seed), d in each.differences.items())
        return [[each.name, "; ".join(told) or _UNKNOWN]]

    return Table(
        name="pairs",
        caption="Differences of test scores in points of every fold/seed.",
        head=("comparison", "fold/seed: difference"),
        alignment="lp{0.6\\textwidth}",
        sections=_sections(groups, comparisons, row),
        columns=("corpus", "backbone", "comparison", "figure", "fold", "seed", "first", "second",
                 "difference"),
        records=[
            {
                "corpus": each.group.corpus,
                "backbone": each.group.backbone,
                "comparison": each.name,
                "figure": each.group.figure,
                "fold": fold,
                "seed": seed,
                "first": each.first.runs[fold, seed].scores[KERAS][each.group.figure],
                "second": each.second.runs[fold, seed].scores[KERAS][each.group.figure],
                "difference": difference,
            }
            for each in comparisons
            for (fold, seed), difference in each.differences.items()
        ],
    )  # fmt: skip


def _sections(groups, comparisons, rows) -> Mapping[str, list[list[str]]]:
    return {
        group.heading: [row for each in comparisons if each.group is group for row in rows(each)]
        for group in groups
    }


def _about(group: Group, condition: ConditionScores) -> dict[str, Any]:
    return {
        "corpus": group.corpus,
        "backbone": group.backbone,
        "condition": condition.name,
        **dataclasses.asdict(condition.condition),
    }


def _score_row(group: Group, condition: ConditionScores) -> list[str]:
    counts = ("parameters_training", "parameters_merged", "macs")
    size, latency = condition.of("int8_bytes"), condition.of("int8_milliseconds")
    return [
        condition.name,
        percent(condition.test(group.figure)),
        str(len(condition.runs)),
        rate_in_words(condition),
        *(_UNKNOWN if (s := condition.of(each)) is None else f"{s.mean:,.0f}" for each in counts),
        _kilobytes(size),
        percent(condition.test(group.figure, INT8)),
        _UNKNOWN if latency is None else f"{latency.mean:.2f}",
    ]


def _score_record(
    group: Group, condition: ConditionScores, figures: Iterable[str]
) -> dict[str, Any]:
    record = {
        **_about(group, condition),
        "select_on": group.figure,
        "learning_rate": None if condition.rate is None else f"{condition.rate:g}",
        "rates_tried": " ".join(f"{each:g}" for each in condition.by_rate),
        "epochs": " ".join(map(str, condition.epochs)),
        "n": len(condition.runs),
        "folds": len({fold for fold, _ in condition.runs}),
        "seeds": len({seed for _, seed in condition.runs}),
    }
    for prefix, form in (("", KERAS), ("int8_", INT8)):
        for figure in figures:
            spread = condition.test(figure, form)
            record[f"{prefix}{figure}_mean"] = spread and spread.mean
            record[f"{prefix}{figure}_deviation"] = spread and spread.deviation
    for name in _OF_RUNS:
        spread = condition.of(name)
        record[name] = spread and spread.mean
    return record


def _difference_row(each: Comparison) -> list[str]:
    if each.spread is None:
        return [each.name, _UNKNOWN, "0", "0", *[_UNKNOWN] * 7, "no pairs yet", _UNKNOWN]
    mean = points(each.spread.mean)
    if each.spread.deviation is not None:
        mean += f" ± {100 * each.spread.deviation:.1f}"
    return [
        each.name,
        mean,
        str(len(each.differences)),
        str(each.seeds),
        points(each.pooled),
        span(each.interval) if each.interval else "none",
        str(each.speakers),
        f"{points(each.mixed[0])} ({span(each.mixed[1])})" if each.mixed else "none",
        probability(each.p),
        probability(each.least_p),
        probability(each.corrected_p),
        "shown" if each.is_shown else "not shown",
        "shown" if each.is_equivalent else "not shown",
    ]


def _difference_record(each: Comparison) -> dict[str, Any]:
    low, high = each.interval or (None, None)
    narrow_low, narrow_high = each.narrow or (None, None)
    mixed, (mixed_low, mixed_high) = each.mixed or (None, (None, None))
    return {
        "corpus": each.group.corpus,
        "backbone": each.group.backbone,
        "comparison": each.name,
        "figure": each.group.figure,
        "pairs": len(each.differences),
        "seeds": each.seeds,
        "mean": each.spread and each.spread.mean,
        "deviation": each.spread and each.spread.deviation,
        "pooled": each.pooled,
        "low": low,
        "high": high,
        "speakers": each.speakers,
        "mixed": mixed,
        "mixed_low": mixed_low,
        "mixed_high": mixed_high,
        "p": each.p,
        "smallest_p": each.least_p,
        "corrected_p": each.corrected_p,
        "shown": int(each.is_shown),
        "narrow_low": narrow_low,
        "narrow_high": narrow_high,
        "equivalent": int(each.is_equivalent),
    }


def percent(spread: Spread | None) -> str:
    """Mean and deviation of a score."""
    if spread is None:
        return _UNKNOWN
    deviation = "" if spread.deviation is None else f" ± {100 * spread.deviation:.1f}"
    return f"{100 * spread.mean:.1f}{deviation}"


def _kilobytes(size: Spread | None) -> str:
    return _UNKNOWN if size is None else f"{size.mean / 1000:,.0f}"


def rate_in_words(condition: ConditionScores) -> str:
    """Which learning rate was chosen of how many."""
    if condition.rate is None:
        return f"not chosen yet, of {len(condition.by_rate)}"
    many = len(condition.by_rate)
    return f"{rate(condition.rate)} " + (f"of {many}" if many > 1 else "(only)")
