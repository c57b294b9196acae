"""The command `python -m recipes CORPUS prepare|train|evaluate|export|all`."""

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from keras_reparam.deploy.tflite.kinds import KINDS
from recipes.common.command import Parser, exit_code, speed_up, starting_keras
from recipes.common.configuration import checked, load_settings
from recipes.common.names import CONFIG, DEFAULT_KINDS
from recipes.common.preparation.prepare import manifest_of, prepare, store_of
from recipes.common.preparation.problems import option_of
from recipes.common.recipe import Recipe
from recipes.common.run_folder import RunFolder, run_name
from recipes.common.settings import RecipeSettings
from recipes.common.store.layout import INDEX

RUNS = Path("runs")
_STAGES = {
    "prepare": (
        "write the manifest, check it against the published counts, build the store",
        "Lists the segments of {title} in a manifest, checks them against the published counts, "
        "and reads audio and features once for all trainings. Run it again after an interruption: "
        "it continues.",
    ),
    "train": (
        "train one fold or all; the validation split chooses the epoch",
        "Trains on {title}. Run it again after an interruption: it goes on from the last epoch, "
        "and ends as if there had been none.",
    ),
    "evaluate": (
        "score the test split, once",
        "Scores the test split with the trained models, and says in the run's folder that it was "
        "read.",
    ),
    "export": (
        "make the files for the phone, each with its own accuracy",
        "Makes .tflite files of the trained models, and scores the test split with each of them.",
    ),
    "all": ("all of these, one after the other", "All stages on {title}, one after the other."),
}


def main(recipe: Recipe, arguments: Sequence[str] | None = None) -> int:
    """The command of a recipe; returns its exit code."""
    parser = Parser(
        prog=f"python -m recipes {recipe.name}", description=f"Experiments on {recipe.title}."
    )
    stages = parser.add_subparsers(dest="stage", metavar="STAGE", required=True)
    for stage, (help, description) in _STAGES.items():
        found = stages.add_parser(
            stage,
            help=help,
            description=description.format(title=recipe.title),
            epilog=f"Example: python -m recipes {recipe.name} {stage} --data ~/{recipe.name}",
        )
        own = _add_corpus(found, recipe, required=stage in ("prepare", "all"))
        if stage == "prepare":
            found.add_argument("--no-store", action="store_true", help="write the manifest alone")
            found.set_defaults(run=None, config=None)
            _add_settings(found, recipe)
        else:
            found.set_defaults(no_store=False)
            _add_run(found, recipe)
        if stage == "evaluate":
            found.add_argument(
                "--on",
                type=Path,
                metavar="FILE.csv",
                help="score all clips of another corpus's manifest instead, whose audio is in "
                "--data, as far as they are of this run's classes",
            )
        if stage in ("export", "all"):
            found.add_argument(
                "--kinds",
                nargs="+",
                choices=KINDS,
                default=DEFAULT_KINDS,
                metavar="KIND",
                help=f"of {', '.join(KINDS)} (default {' '.join(DEFAULT_KINDS)})",
            )
    options = parser.parse_args(arguments)
    given = {name: getattr(options, name) for name in own}
    return exit_code(recipe.name, lambda: _run(recipe, options, given))


def _add_corpus(parser: argparse.ArgumentParser, recipe: Recipe, *, required: bool) -> list[str]:
    """Adds the options of `prepare`; returns where the recipe's own ones keep their values."""
    out = RUNS / recipe.name
    help = "the corpus" if required else "the corpus, if it is not prepared yet"
    parser.add_argument("--data", type=Path, required=required, metavar="DIR", help=help)
    parser.add_argument(
        "--out",
        type=Path,
        default=out,
        metavar="DIR",
        help=f"manifest.csv, problems.csv, store/ and the runs go there (default {out})",
    )
    parser.add_argument(
        "--manifest", type=Path, metavar="FILE.csv", help="another place for the manifest"
    )
    parser.add_argument(
        "--allow-count-mismatch",
        action="store_true",
        help="go on where counts differ from the published ones",
    )
    for kind in recipe.allowable:
        parser.add_argument(
            option_of(kind),
            dest="allowed",
            action="append_const",
            const=kind,
            default=[],
            help=f"leave out what has this problem: {kind}",
        )
    return [parser.add_argument(flag, **settings).dest for flag, settings in recipe.options.items()]


def _add_run(parser: argparse.ArgumentParser, recipe: Recipe) -> None:
    parser.add_argument(
        "--run",
        metavar="NAME",
        help="folder of the run in --out (default: named by backbone, size, expansion and seed)",
    )
    parser.add_argument(
        "--fold",
        dest="folds",
        action="append",
        metavar="NAME",
        help="a fold; can be given several times (default: all)",
    )
    parser.add_argument(
        "--config", type=Path, metavar="FILE", help="settings, as YAML or a run's config.json"
    )
    _add_settings(parser, recipe)


def _add_settings(parser: argparse.ArgumentParser, recipe: Recipe) -> None:
    parser.add_argument(
        "settings",
        nargs="*",
        metavar="NAME=VALUE",
        help=f"settings: {', '.join(recipe.settings.model_fields)} (see docs/howto/recipes.md)",
    )


def _run(recipe: Recipe, options: argparse.Namespace, own: Mapping[str, Any]) -> int:
    speed_up()
    # All that can be known at once is said at once: Keras takes seconds to import.
    settings, run = _settings(recipe, options)
    if options.stage == "prepare":
        prepare(recipe, options, own, settings if options.settings else None)
        return 0
    other = getattr(options, "on", None)
    if other is None:
        _ensure_prepared(recipe, options, own, settings)
    from rich.console import Console

    console = Console()
    with console.status("Starting Keras"), starting_keras():
        from recipes.common.stages import Stages
    stages = Stages(
        recipe,
        settings,
        run,
        manifest=manifest_of(options),
        store=store_of(options),
        folds=options.folds,
        console=console,
    )
    if options.stage in ("train", "all"):
        stages.train()
    if other is not None:
        stages.evaluate_on(other, options.data)
    elif options.stage == "evaluate":
        stages.evaluate()
    elif options.stage == "export":
        stages.export(options.kinds)
    elif options.stage == "all":
        # The test split is not read anew where a former call has done so.
        stages.evaluate(again=False)
        if stages.exportable:
            stages.export(options.kinds, again=False)
    return 0


def _settings(recipe: Recipe, options: argparse.Namespace) -> tuple[RecipeSettings, RunFolder]:
    """The settings and the run's folder; where none are given, those that ran there before."""
    given = options.config is not None or options.settings
    if options.run is not None:
        run = RunFolder(options.out / options.run)
        if not given and (run.path / CONFIG).exists():
            return checked(recipe.settings, run.config()), run
    settings = load_settings(recipe.settings, options.config, options.settings)
    return settings, RunFolder(options.out / (options.run or run_name(settings)))


def _ensure_prepared(
    recipe: Recipe, options: argparse.Namespace, own: Mapping[str, Any], settings: RecipeSettings
) -> None:
    """Prepares the corpus for `all`, and where that was not done yet."""
    there = manifest_of(options).is_file() and (store_of(options) / INDEX).is_file()
    if there and options.stage != "all":
        return
    if options.data is None:
        raise FileNotFoundError(
            f"{recipe.title} is not prepared in '{options.out}': give --data DIR, the corpus"
        )
    prepare(recipe, options, own, settings)
