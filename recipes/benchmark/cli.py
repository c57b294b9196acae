"""The command `python -m recipes.benchmark run|report`."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from recipes.benchmark.folder import BenchmarkFolder, Comparison
from recipes.benchmark.plan import BenchmarkPlan
from recipes.common.command import Parser, at_least, exit_code, say, starting_keras
from recipes.common.configuration import load_settings
from recipes.common.files.page import insert_table
from recipes.compare.running.pool import run_in_pool
from recipes.compare.running.progress import GridProgress
from recipes.compare.running.threads import default_workers

OUT, PREPARED = Path("runs/benchmark"), Path("runs")
_COMMANDS = {
    "run": (
        "run all that is not done",
        "Runs all that is not done: seed by seed all models on all tasks, so that what has run at "
        "any time can be compared; after each seed scores its models on the other corpora that "
        "have their task. Run it again after an interruption: it goes on where it was.",
    ),
    "report": (
        "one table of what is done",
        "Writes a table of tasks by models, one of corpora by corpora, and a picture.",
    ),
}


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; returns its exit code."""
    parser = Parser(
        prog="python -m recipes.benchmark",
        description="Tasks by models by seeds, on whatever corpora are prepared.",
    )
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for name, (help, description) in _COMMANDS.items():
        found = commands.add_parser(name, help=help, description=description)
        found.add_argument(
            "--out", type=Path, default=OUT, metavar="DIR", help=f"its folder (default {OUT})"
        )
        found.add_argument(
            "--prepared",
            type=Path,
            default=PREPARED,
            metavar="DIR",
            help=f"where the recipes have prepared the corpora (default {PREPARED})",
        )
        _OPTIONS[name](found)
    options = parser.parse_args(arguments)
    run = {"run": _run, "report": _report}[options.command]
    return exit_code("benchmark", lambda: run(options))


def _add_run(parser: argparse.ArgumentParser) -> None:
    parser.epilog = "Example: python -m recipes.benchmark run 'tasks={emodb: [emotion, sex, age]}'"
    parser.add_argument("--config", type=Path, metavar="FILE", help="the plan, as YAML")
    parser.add_argument("--plan", action="store_true", help="only say what would run")
    parser.add_argument("--again", action="store_true", help="run what has failed once more, too")
    parser.add_argument(
        "--earlier",
        type=Path,
        metavar="DIR",
        help="`results/` of runs that were done elsewhere: not run again, and reported, too",
    )
    parser.add_argument(
        "--workers",
        type=at_least(1),
        metavar="N",
        help="runs at a time, which share the cores (default: one for each core)",
    )
    parser.add_argument(
        "settings",
        nargs="*",
        metavar="NAME=VALUE",
        help=f"of the plan: {', '.join(BenchmarkPlan.model_fields)} (see docs/howto/benchmark.md)",
    )


def _add_report(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--into", type=Path, metavar="FILE.md", help="put the report between this file's markers"
    )


_OPTIONS = {"run": _add_run, "report": _add_report}


def _run(options: argparse.Namespace) -> int:
    console, folder = Console(), BenchmarkFolder(options.out, options.prepared)
    nothing_given = options.config is None and not options.settings
    if nothing_given and folder.begun:
        plan = folder.plan()
    else:
        plan = load_settings(BenchmarkPlan, options.config, options.settings)
    folder.begin(plan, options.earlier)
    comparisons = folder.comparisons(plan)
    runs = [run for each in comparisons for run in each.runs]
    done = sum(each.folder.known(run) for each in comparisons for run in each.runs)
    tasks = ", ".join(f"{each.corpus} {each.task}" for each in comparisons)
    say(
        console, f"{len(runs)} runs on {tasks} in {folder.path}, {len(runs) - done} of them to run."
    )
    if options.plan:
        return 0
    workers = options.workers or default_workers()
    for seed in plan.seeds:
        for each in comparisons:
            of_all = each.folder.left(each.runs, again=options.again)
            left = [(number, run) for number, run in of_all if run.settings.seed == seed]
            if not left:
                continue
            say(console, f"{each.corpus}, {each.task}, seed {seed}: {len(left)} runs.")
            with GridProgress(console, each.runs, each.folder) as progress:
                run_in_pool(
                    left, each.folder, prepared=folder.prepared, workers=workers, progress=progress
                )
        _score_crossed(comparisons, folder, console)
    undone = [run for each in comparisons for run in each.runs if not each.folder.known(run)]
    if undone:
        say(console, f"{len(undone)} runs are not done; why is in the logs. Again: --again")
    return 1 if undone else 0


def _score_crossed(
    comparisons: Sequence[Comparison], folder: BenchmarkFolder, console: Console
) -> None:
    with starting_keras():
        from recipes.benchmark.crossed import score_crossed
    score_crossed(comparisons, folder.prepared, console)


def _report(options: argparse.Namespace) -> int:
    # What makes statistics and pictures takes a second to import.
    from recipes.benchmark.report import write_report

    console, folder = Console(), BenchmarkFolder(options.out, options.prepared)
    comparisons = folder.comparisons(folder.plan())
    with console.status("Reading what is done"):
        where = folder.prepared, folder.results, folder.path / "report"
        page = write_report(comparisons, *where)
    if options.into is not None:
        insert_table(options.into, page, name="benchmark")
    say(
        console,
        f"Tables lie in {folder.results}, the report in {folder.path / 'report' / 'report.md'}",
    )
    return 0
