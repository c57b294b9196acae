"""The first stage of a recipe: manifest, counts, store."""

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console

from recipes.common.command import say
from recipes.common.manifest import write_manifest
from recipes.common.preparation.audio_check import check_audio
from recipes.common.preparation.counts import Count, check_counts
from recipes.common.preparation.overview import label_table
from recipes.common.preparation.problems import Problem, check_problems, report_problems
from recipes.common.recipe import Recipe
from recipes.common.settings import RecipeSettings
from recipes.common.store.standard import build_standard_store


def manifest_of(options: argparse.Namespace) -> Path:
    """Where the manifest is."""
    return options.manifest or options.out / "manifest.csv"


def store_of(options: argparse.Namespace) -> Path:
    """Where the store is."""
    return options.out / "store"


def prepare(
    recipe: Recipe,
    options: argparse.Namespace,
    own: Mapping[str, Any],
    settings: RecipeSettings | None = None,
) -> None:
    """Writes the manifest, checks it against the published counts, and builds the store.

    Args:
        recipe: The corpus.
        options: The command's.
        own: The recipe's own ones.
        settings: Of the run that it is for: what its task lacks is said before audio is read;
            `None`: of no run yet.

    Raises:
        ValueError: If counts differ or there are problems, and no option allows it.
        OSError: If a file can't be read or written.
    """
    data = options.data
    manifest, store = manifest_of(options), store_of(options)
    # All that can be known at once is said at once.
    if not data.is_dir():
        raise FileNotFoundError(f"There is no folder '{data}' with {recipe.title}.")
    if manifest.is_dir():
        raise IsADirectoryError(f"`--manifest` must name a file. Received a folder: '{manifest}'")
    console = Console()
    known = {} if settings is None else recipe.reading_of(settings)
    prepared = recipe.read(data, **own, **known)
    if settings is not None and prepared.segments and not prepared.problems:
        recipe.task_of(settings, prepared.segments).check(settings)
    clips, audio_problems = check_audio(prepared.segments, data, store, console)
    segments = list(clips)
    problems = [*prepared.problems, *audio_problems]
    report_problems(problems, _listing(options), console)
    _check(recipe, prepared.counts, problems, options, console)
    if not segments:
        raise ValueError(f"No segment of {recipe.title} in '{data}' can be used.")
    write_manifest(manifest, segments)
    console.print(label_table(clips))
    speakers = len({segment.speaker for segment in segments})
    say(console, f"{len(segments):,} segments of {speakers:,} speakers in {manifest}")
    if not options.no_store:
        say(console, build_standard_store(segments, data, store))


def _listing(options: argparse.Namespace) -> Path:
    return options.out / "problems.csv"


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
        check_problems(
            problems, allowed=allowed, optional=recipe.allowable, listing=_listing(options)
        )
    except ValueError as error:
        errors.append(str(error))
    if errors:
        raise ValueError(" ".join(errors))
