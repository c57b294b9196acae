"""The report of a benchmark: tasks by models, corpora by corpora, and what HRF changes."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from keras_reparam._utils.files import write_bytes
from keras_reparam.deploy.release.model_card import markdown_table
from recipes.benchmark.crossed_result import CrossedResult
from recipes.benchmark.folder import Comparison
from recipes.benchmark.picture import plot_benchmark
from recipes.benchmark.result import NOT_RUN, Result
from recipes.common.files.folders import staged
from recipes.common.settings import FROZEN
from recipes.compare.collect import collect
from recipes.compare.planning.condition import Condition
from recipes.compare.report.bootstrap import pooled_score
from recipes.compare.report.comparison import comparisons_of, sentence
from recipes.compare.report.scores import ConditionScores, Group, Spread, groups_of
from recipes.compare.report.text import markdown_text
from recipes.compare.tables.crossed_score import CrossedScore
from recipes.compare.tables.rows import write_dataclasses
from recipes.compare.tables.tables import Tables, read_tables

REPORT, PICTURE = "report.md", "benchmark.png"
RESULTS, CROSSED = "benchmark.csv", "crossed.csv"
_READING = (
    "Scores are of test speakers, all folds taken together, the mean over seeds; in brackets the "
    "95% interval over speakers, where there are three. After a star not all runs are done.",
    "Parameters, multiply-adds of one window, the int8 file and its time for one window are those "
    "of the first task that has them; of a frozen model its own and those of its head.",
)


def write_report(comparisons: Sequence[Comparison], prepared: Path, tables: Path, out: Path) -> str:
    """Writes the report of what is done, whole or not at all; returns its text, for a page.

    In `out` are then `report.md`, `benchmark.png`, `benchmark.csv` and `crossed.csv`.

    Args:
        comparisons: Of the benchmark.
        prepared: Where the corpora are prepared.
        tables: Where the compact tables go, a folder for each task.
        out: Where the report goes.

    Raises:
        FileNotFoundError: If no run is done.
    """
    results, crossed, told = [], [], []
    for each in comparisons:
        found = _collected(each, prepared, tables / each.folder.path.name)
        groups = groups_of(found) if found else ()
        results += _results(each, groups)
        crossed += _crossed(each, found.crossed) if found else ()
        told += _told(each, groups)
    if not any(result.runs for result in results):
        raise FileNotFoundError("No run of the benchmark is done: `run` it first")
    with staged(out) as beside:
        write_dataclasses(beside / RESULTS, Result, results)
        write_dataclasses(beside / CROSSED, CrossedResult, crossed)
        plot_benchmark(beside / PICTURE, results)
        page = page_of(results, crossed, told)
        text = f"# Benchmark\n\n![]({PICTURE})\n\n{page}\n"
        write_bytes(beside / REPORT, text.encode("utf-8"))
    return page


def page_of(
    results: Sequence[Result], crossed: Sequence[CrossedResult], told: Sequence[str]
) -> str:
    """The tables, and the sentences below them."""
    parts = [_models_table(results)]
    for task in dict.fromkeys(each.task for each in crossed):
        rows = [each for each in crossed if each.task == task]
        parts += [f"**{markdown_text(task)}**, trained on one corpus, scored on another"]
        parts += [_crossed_table(rows, results)]
    parts.append("\n".join(f"- {markdown_text(text)}" for text in _READING))
    if told:
        parts += ["**Differences**", "\n".join(f"- {markdown_text(text)}" for text in told)]
    return "\n\n".join(parts)


def _collected(each: Comparison, prepared: Path, out: Path) -> Tables | None:
    """What is known of a task, written into `out`; nothing if no run is."""
    if not any(map(each.folder.known, each.runs)):
        return None
    collect(each.runs, each.folder, prepared, out)
    return read_tables(out)


def model_name(backbone: str, condition: Condition) -> str:
    """How a model is called in the tables."""
    if backbone == FROZEN:
        return f"{condition.variant}, frozen" if condition.variant else FROZEN
    return f"{backbone}, {condition.name()}"


def _results(each: Comparison, groups: Sequence[Group]) -> Iterator[Result]:
    """One for every model, done or not, in the plan's order."""
    done = {
        (group.backbone, scores.condition): (group, scores)
        for group in groups
        for scores in group.conditions
    }
    planned: dict[tuple[str, Condition], int] = {}
    for run in each.runs:
        key = run.settings.backbone, run.condition
        planned[key] = planned.get(key, 0) + 1
    for key, count in planned.items():
        about = {"corpus": each.corpus, "task": each.task, "model": model_name(*key)}
        about |= {"figure": each.runs[0].settings.figure, "planned": count}
        if key not in done or not done[key][1].runs:
            yield Result(**about)
            continue
        yield Result(**about, **_measured(*done[key]))


def _measured(group: Group, scores: ConditionScores) -> dict[str, Any]:
    runs = list(scores.runs.values())
    pooled = pooled_score(runs, group.task, group.figure)
    low, high = pooled.interval or (None, None)
    of = {name: scores.of(name) for name in ("macs", "int8_bytes", "int8_milliseconds")}
    return {
        "score": pooled.value,
        "low": low,
        "high": high,
        "runs": len(runs),
        "seeds": len({run.result.seed for run in runs}),
        "speakers": pooled.speakers,
        "parameters": scores.of("parameters_merged").mean,
        **{name: spread and spread.mean for name, spread in of.items()},
    }


def _told(each: Comparison, groups: Sequence[Group]) -> Iterator[str]:
    """What HRF changes, in sentences."""
    for compared in comparisons_of(groups):
        yield f"{each.corpus}, {each.task}: {sentence(compared, short=True)}"


def _crossed(each: Comparison, scores: Sequence[CrossedScore]) -> Iterator[CrossedResult]:
    """One for every model and other corpus that it was scored on."""
    found: dict[tuple[str, str], list[CrossedScore]] = {}
    for run in each.runs:
        name = model_name(run.settings.backbone, run.condition)
        for score in scores:
            if score.run == run.id:
                found.setdefault((name, score.corpus), []).append(score)
    for (model, other), of_seeds in found.items():
        spread = Spread.of([score.score for score in of_seeds])
        yield CrossedResult(
            task=each.task,
            model=model,
            trained_on=each.corpus,
            scored_on=other,
            figure=each.runs[0].settings.figure,
            score=spread.mean,
            deviation=spread.deviation,
            seeds=spread.n,
            clips=of_seeds[0].clips,
        )


def _models_table(results: Sequence[Result]) -> str:
    tasks = {(each.corpus, each.task): each.figure for each in results}
    models: dict[str, dict[tuple[str, str], Result]] = {}
    for each in results:
        models.setdefault(each.model, {})[each.corpus, each.task] = each
    head = [f"{corpus} {task}, {figure.upper()}" for (corpus, task), figure in tasks.items()]
    rows = []
    for model, of in models.items():
        first = next((each for each in of.values() if each.runs), None)
        rows.append([model, *(of[task].text if task in of else NOT_RUN for task in tasks)])
        rows[-1] += first.sizes if first else ["-"] * len(Result.SIZES)
    return markdown_table(
        ["model", *head, *Result.SIZES], [[markdown_text(cell) for cell in row] for row in rows]
    )


def _crossed_table(crossed: Sequence[CrossedResult], results: Sequence[Result]) -> str:
    """Rows: trained on. Columns: scored on; on itself what the test speakers gave."""
    task = crossed[0].task
    corpora = list(dict.fromkeys(each.corpus for each in results if each.task == task))
    own = {(each.model, each.corpus): each.text for each in results if each.task == task}
    other = {(each.model, each.trained_on, each.scored_on): each.text for each in crossed}
    rows = [
        [
            model,
            trained,
            *(
                own.get((model, trained), NOT_RUN)
                if scored == trained
                else other.get((model, trained, scored), NOT_RUN)
                for scored in corpora
            ),
        ]
        for model in dict.fromkeys(each.model for each in results)
        for trained in corpora
    ]
    head = ["model", "trained on", *(f"on {name}" for name in corpora)]
    return markdown_table(head, [[markdown_text(cell) for cell in row] for row in rows])
