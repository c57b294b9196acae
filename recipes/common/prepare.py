"""The command `python -m recipes.<corpus>` and its part `prepare`: manifest, counts, store."""

import argparse
import dataclasses
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console

from recipes.common.audio_check import check_audio
from recipes.common.command import Parser, exit_code
from recipes.common.counts import Count, check_counts
from recipes.common.manifest import Segment, write_manifest
from recipes.common.problems import (
    KINDS,
    Problem,
    check_problems,
    option_of,
    report_problems,
)
from recipes.common.store.standard import build_standard_store

RUNS = Path("runs")


@dataclasses.dataclass(frozen=True)
class Prepared:
    """What a corpus's annotations say.

    Attributes:
        segments: All usable segments in a stated, deterministic order; ids are unique. Whether
            their audio is good is checked afterwards, for all corpora alike.
        counts: What was found beside what was published.
        problems: All that is wrong with the annotations, not only the first.
    """

    segments: list[Segment]
    counts: list[Count]
    problems: list[Problem]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Recipe:
    """A corpus, as the command needs it.

    Attributes:
        name: Of the package, as in `"daic_woz"`.
        title: Of the corpus, as in `"DAIC-WOZ"`.
        read: `read(data, **options)` reads the annotations in the folder `data`.
        options: The recipe's own options of `prepare`: the flag, and what
            `argparse.ArgumentParser.add_argument` takes with it. `read` gets their values.
        kinds: The recipe's own kinds of problems, each with an option that allows it.
        as_published: Kinds of problems that the corpus is known to have: listed, and no error.
    """

    name: str
    title: str
    read: Callable[..., Prepared]
    options: Mapping[str, Mapping[str, Any]] = dataclasses.field(default_factory=dict)
    kinds: tuple[str, ...] = ()
    as_published: tuple[str, ...] = ()


def main(recipe: Recipe, arguments: Sequence[str] | None = None) -> int:
    """The command of a recipe; returns its exit code."""
    parser = Parser(
        prog=f"python -m recipes.{recipe.name}", description=f"Experiments on {recipe.title}."
    )
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    own = _add_prepare(commands, recipe)
    options = parser.parse_args(arguments)
    given = {name: getattr(options, name) for name in own}
    return exit_code(recipe.name, lambda: _prepare(recipe, options, given))


def _add_prepare(commands, recipe: Recipe) -> list[str]:
    """Adds the sub-command; returns where it keeps the values of the recipe's own options."""
    out = RUNS / recipe.name
    parser = commands.add_parser(
        "prepare",
        help="write the manifest, check it against the published counts, build the store",
        description=f"Lists the segments of {recipe.title} in a manifest, checks them against the "
        "published counts, and reads audio and features once for all trainings. Run it again after "
        "an interruption: it continues.",
        epilog=f"Example: python -m recipes.{recipe.name} prepare --data ~/{recipe.name}",
    )
    parser.add_argument("--data", type=Path, required=True, metavar="DIR", help="the corpus")
    parser.add_argument(
        "--out",
        type=Path,
        default=out,
        metavar="DIR",
        help=f"manifest.csv, problems.csv and the folder store/ go there (default {out})",
    )
    parser.add_argument(
        "--manifest", type=Path, metavar="FILE.csv", help="another place for the manifest"
    )
    parser.add_argument("--no-store", action="store_true", help="write the manifest alone")
    parser.add_argument(
        "--allow-count-mismatch",
        action="store_true",
        help="go on where counts differ from the published ones",
    )
    for kind in _optional(recipe):
        parser.add_argument(
            option_of(kind),
            dest="allowed",
            action="append_const",
            const=kind,
            default=[],
            help=f"leave out what has this problem: {kind}",
        )
    return [parser.add_argument(flag, **settings).dest for flag, settings in recipe.options.items()]


def _optional(recipe: Recipe) -> tuple[str, ...]:
    return KINDS + recipe.kinds


def _prepare(recipe: Recipe, options: argparse.Namespace, own: Mapping[str, Any]) -> int:
    data, out = options.data, options.out
    manifest = options.manifest or out / "manifest.csv"
    store = out / "store"
    # All that can be known at once is said at once.
    if not data.is_dir():
        raise FileNotFoundError(f"There is no folder '{data}' with {recipe.title}.")
    if manifest.is_dir():
        raise IsADirectoryError(f"`--manifest` must name a file. Received a folder: '{manifest}'")
    console = Console()
    prepared = recipe.read(data, **own)
    segments, audio_problems = check_audio(prepared.segments, data, store, console)
    problems = [*prepared.problems, *audio_problems]
    report_problems(problems, out / "problems.csv", console)
    _check(recipe, prepared.counts, problems, options, console)
    if not segments:
        raise ValueError(f"No segment of {recipe.title} in '{data}' can be used.")
    write_manifest(manifest, segments)
    speakers = len({segment.speaker for segment in segments})
    _print(console, f"{len(segments):,} segments of {speakers:,} speakers in {manifest}")
    if not options.no_store:
        _print(console, build_standard_store(segments, data, store))
    return 0


def _check(
    recipe: Recipe,
    counts: Sequence[Count],
    problems: Sequence[Problem],
    options: argparse.Namespace,
    console: Console,
) -> None:
    """Raises one `ValueError` for all that isn't allowed."""
    errors = []
    try:
        check_counts(counts, allow_mismatch=options.allow_count_mismatch, console=console)
    except ValueError as error:
        errors.append(str(error))
    try:
        allowed = {*options.allowed, *recipe.as_published}
        check_problems(problems, allowed=allowed, optional=_optional(recipe))
    except ValueError as error:
        errors.append(str(error))
    if errors:
        raise ValueError(" ".join(errors))


def _print(console: Console, text: str) -> None:
    console.print(text, highlight=False, markup=False, soft_wrap=True)
