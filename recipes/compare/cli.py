"""The command `python -m recipes.compare run|run-one|status|degraded|report`."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from recipes.common.command import Parser, at_least, exit_code, say
from recipes.common.configuration import load_settings
from recipes.common.files.page import insert_table
from recipes.compare.grid_folder import GridFolder
from recipes.compare.planning.corpora import prepared_corpus
from recipes.compare.planning.grid import Grid
from recipes.compare.planning.plan import runs_of
from recipes.compare.planning.run import Run
from recipes.compare.running.attempt import attempt
from recipes.compare.running.pool import BUSY, run_in_pool
from recipes.compare.running.progress import GridProgress
from recipes.compare.running.ray_cluster import run_on_ray
from recipes.compare.running.threads import default_workers
from recipes.compare.status import show_status

GRID, PREPARED = Path("runs/compare"), Path("runs")
_SLURM = "recipes/compare/slurm.sh"
_COMMANDS = {
    "run": (
        "run all that is not done",
        "Runs all that is not done, in an order in which what has run can be compared at "
        "any time. Run it again after an interruption: it goes on where it was.",
    ),
    "run-one": (
        "run one of them, as in a job array",
        "Runs the run of this number, from 1; nothing happens where it is done.",
    ),
    "status": ("what is done, running, failed, and when it ends", "Says how far it is."),
    "degraded": (
        "score what is done on degraded validation clips",
        "Scores the int8 file of every run that is done on clips of its validation speakers, as "
        "they are and as phones, rooms and networks make them; `report` shows it. A run that is "
        "scored is not scored again.",
    ),
    "report": (
        "tables, differences and pictures of what is done",
        "Writes tables, differences with intervals and tests, and pictures of what is done.",
    ),
}


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; returns its exit code."""
    parser = Parser(
        prog="python -m recipes.compare",
        description="Many runs over corpora, backbones, expansions, seeds and folds, compared.",
    )
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    found = {
        name: commands.add_parser(name, help=help, description=description)
        for name, (help, description) in _COMMANDS.items()
    }
    for name in found:
        found[name].add_argument(
            "--grid",
            type=Path,
            default=GRID,
            metavar="DIR",
            help=f"folder of the comparison (default {GRID})",
        )
        found[name].add_argument(
            "--prepared",
            type=Path,
            default=PREPARED,
            metavar="DIR",
            help=f"where the recipes have prepared the corpora (default {PREPARED})",
        )
    _add_run(found["run"])
    found["run-one"].add_argument("number", type=int, metavar="NUMBER", help="of the run, from 1")
    _add_degraded(found["degraded"])
    _add_report(found["report"])
    options = parser.parse_args(arguments)
    of_command = {
        **{"run": _run, "run-one": _run_one, "status": _status},
        **{"degraded": _degraded, "report": _report},
    }
    return exit_code("compare", lambda: of_command[options.command](options))


def _add_run(parser: argparse.ArgumentParser) -> None:
    parser.epilog = "Example: python -m recipes.compare run 'corpora=[emodb]' 'seeds=[1,2,3]'"
    parser.add_argument("--config", type=Path, metavar="FILE", help="axes, as YAML or a grid.json")
    parser.add_argument(
        "--plan", action="store_true", help="only say what would run, and write grid.json"
    )
    parser.add_argument("--again", action="store_true", help="run what has failed once more, too")
    parser.add_argument(
        "--earlier",
        type=Path,
        metavar="DIR",
        help="compact tables of runs that were done elsewhere: not run again, and reported, too",
    )
    parser.add_argument(
        "--workers",
        type=at_least(1),
        metavar="N",
        help="runs at a time on this machine, which share its cores (default: one for each core)",
    )
    parser.add_argument(
        "--ray", metavar="ADDRESS", help="run on the Ray cluster at this address, as in auto"
    )
    parser.add_argument(
        "--threads",
        type=at_least(1),
        metavar="N",
        help="with --ray: cores of each run (1)",
    )
    parser.add_argument(
        "axes",
        nargs="*",
        metavar="NAME=VALUES",
        help=f"axes: {', '.join(Grid.model_fields)} (see docs/howto/study.md)",
    )


def _add_degraded(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--tests",
        metavar="NAME,...",
        help="tests or families of `python -m recipes.robustness` (default: one of each weakness)",
    )
    parser.add_argument(
        "--clips",
        type=at_least(1),
        metavar="N",
        help="about so many of each fold, evenly spaced over its classes (default 600)",
    )
    parser.add_argument(
        "--workers", type=at_least(1), metavar="N", help="processes (default: one for each core)"
    )


def _add_report(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--results",
        type=Path,
        metavar="DIR",
        help="compact tables of an earlier report, in place of the comparison's runs",
    )
    parser.add_argument(
        "--out", type=Path, metavar="DIR", help="where to write (default: report/ in the folder)"
    )
    parser.add_argument(
        "--into", type=Path, metavar="FILE.md", help="put the table between this file's markers"
    )


def _run(options: argparse.Namespace) -> int:
    if options.ray is None and options.threads is not None:
        raise ValueError("`--threads` is for --ray. On one machine `--workers` share the cores")
    if options.ray is not None and options.workers is not None:
        raise ValueError("`--workers` is for one machine. With --ray give `--threads`")
    console = Console()
    folder, prepared = _folders(options)
    grid = _grid(options, folder)
    runs = _runs(grid, prepared)
    folder.begin(grid, options.earlier)
    left = folder.left(runs, again=options.again)
    say(console, f"{len(runs)} runs in {folder.path}, {len(left)} of them to run.")
    if options.plan:
        say(console, f"On SLURM: sbatch --array=1-{len(runs)} {_SLURM} {folder.path} {prepared}")
        return 0
    with GridProgress(console, runs, folder) as progress:
        if options.ray is None:
            workers = options.workers or default_workers()
            run_in_pool(left, folder, prepared=prepared, workers=workers, progress=progress)
        elif left:
            run_on_ray(
                [run for _, run in left],
                folder,
                address=options.ray,
                prepared=prepared,
                threads=options.threads or 1,
                progress=progress,
            )
    show_status(runs, folder, console)
    return 0 if all(map(folder.known, runs)) else 1


def _run_one(options: argparse.Namespace) -> int:
    folder, prepared = _folders(options)
    runs = _runs(folder.grid(), prepared)
    if not 1 <= options.number <= len(runs):
        raise ValueError(f"Runs are 1 to {len(runs)}. Received: {options.number}")
    run = runs[options.number - 1]
    try:
        done = attempt(run, folder, prepared)
    except BlockingIOError as error:
        print(f"compare: {error}", file=sys.stderr)
        return BUSY
    if not done:
        failure = folder.failure(run)
        print(f"compare: {run.name}: {failure['error']} ({failure['log']})", file=sys.stderr)
    return 0 if done else 1


def _status(options: argparse.Namespace) -> int:
    folder, prepared = _folders(options)
    show_status(_runs(folder.grid(), prepared), folder, Console())
    return 0


def _degraded(options: argparse.Namespace) -> int:
    # What filters audio takes a second to import.
    from recipes.compare.degraded import CLIPS, score_degraded
    from recipes.robustness.degraded import TESTS

    folder, prepared = _folders(options)
    tests = TESTS
    if options.tests is not None:
        tests = [name.strip() for name in options.tests.split(",") if name.strip()]
    scored = score_degraded(
        folder,
        prepared,
        tests=tests,
        clips=options.clips or CLIPS,
        workers=options.workers,
    )
    say(Console(), f"{scored} runs are scored in {folder.path}. `report` shows them.")
    return 0


def _report(options: argparse.Namespace) -> int:
    # What makes statistics and pictures takes a second to import.
    from recipes.compare.collect import collect
    from recipes.compare.diagnostics import draw_diagnostics
    from recipes.compare.report.report import readme_table, write_report

    console = Console()
    folder, prepared = _folders(options)
    of_runs = options.results is None
    results = folder.path / "results" if of_runs else options.results
    out = options.out or (folder.path if of_runs else results) / "report"
    runs = _runs(folder.grid(), prepared) if of_runs else []
    if of_runs:
        with console.status("Reading what is done"):
            collect(runs, folder, prepared, results)
    with console.status("Comparing"):
        write_report(results, out)
        drawn = draw_diagnostics(runs, folder, out)
    if options.into is not None:
        insert_table(options.into, readme_table(results), name=results.name)
    say(console, f"Tables lie in {results}, the report in {out / 'report.md'}")
    if drawn:
        say(console, f"{drawn} pictures of diagnostics, plain beside HRF: {out}/diagnostics-*.png")
    return 0


def _folders(options: argparse.Namespace) -> tuple[GridFolder, Path]:
    """The comparison's folder, and where the corpora are, wherever a process is started."""
    return GridFolder(options.grid.resolve()), options.prepared.resolve()


def _grid(options: argparse.Namespace, folder: GridFolder) -> Grid:
    """What is to be compared; where nothing is given, what was before."""
    if options.config is None and not options.axes and folder.begun:
        return folder.grid()
    return load_settings(Grid, options.config, options.axes)


def _runs(grid: Grid, prepared: Path) -> list[Run]:
    names = dict.fromkeys(name for axes in grid.products() for name in axes.corpora)
    return runs_of(grid, {name: prepared_corpus(name, prepared) for name in names})
