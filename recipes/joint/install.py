"""The command `python -m recipes.joint.install`: a run's model becomes the package's."""

import argparse
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from rich.console import Console

import keras_reparam
from keras_reparam.deploy import load_classifier
from recipes.common.cli import RUNS
from recipes.common.command import Parser, exit_code, leave, say
from recipes.common.configuration import checked
from recipes.common.files.folders import replaced
from recipes.common.manifest import read_manifest
from recipes.common.names import (
    CARD,
    DEFAULT_KINDS,
    GOLDEN,
    RESULTS,
    file_name,
)
from recipes.common.protocol.fold import Fold
from recipes.common.protocol.folds import OFFICIAL
from recipes.common.run_folder import RunFolder
from recipes.common.store.store import Store
from recipes.common.store.stored_audio import StoredAudio
from recipes.joint.recipe import RECIPE
from recipes.robustness.clips import Clips, by_speaker
from recipes.robustness.degraded import TESTS, conditions_of, ua_by_condition

# What other commands put into the card, each between its lines.
_MEASURED_LATER = """
## What it bears
<!-- robustness -->
<!-- end of robustness -->

## Beside others
<!-- baselines -->
<!-- end of baselines -->
"""
Read = Callable[..., np.ndarray]
PRETRAINED = Path(keras_reparam.__file__).parent / "pretrained"


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command; returns its exit code."""
    parser = Parser(
        prog="python -m recipes.joint.install",
        description="Make the exported model of a run the one that comes with the package, with "
        "its card and golden clips, unless the package's is better on a corpus's validation clips, "
        "as they are and degraded.",
        epilog="Example: python -m recipes.joint.install --run shipped",
    )
    parser.add_argument("--run", required=True, metavar="NAME", help="the run")
    parser.add_argument(
        "--out",
        type=Path,
        default=RUNS / RECIPE.name,
        metavar="DIR",
        help="where the recipe's runs are (default %(default)s)",
    )
    options = parser.parse_args(arguments)
    return exit_code("install", lambda: _run(options))


def _run(options: argparse.Namespace) -> int:
    console = Console()
    run = RunFolder(options.out / options.run)
    settings = checked(RECIPE.settings, run.config())
    (fold,) = RECIPE.folds_of(read_manifest(options.out / "manifest.csv"), settings)
    read = StoredAudio(Store(options.out / "store"))
    labels = RECIPE.task_of(settings, []).names
    folder = install(run.fold(OFFICIAL), fold, labels, read, console)
    say(console, f"Installed in {folder}. Now renew what tells of it: recipes/joint/README.md")
    return 0


def install(folder: Path, fold: Fold, labels: Sequence[str], read: Read, console: Console) -> Path:
    """Copies a fold's files, their card and golden clips to where the package looks for them.

    What counts is the mean UA over clips as they are and over all that is done to them: a model
    that hears a corpus's own recordings best may hear nothing else.

    Args:
        folder: Of the fold, exported.
        fold: Its validation clips decide: those of the test choose nothing.
        labels: The classes of its examples.
        read: `read(segment, sample_rate=...)`: a clip's samples.
        console: Where to report.

    Raises:
        FileNotFoundError: If the fold was not exported.
        ValueError: If the package's model is better on the clips of any corpus.
    """
    if not (folder / RESULTS).is_file():
        raise FileNotFoundError(f"'{folder}' holds no exported model: export the run first")
    before, now = (
        _ua_by_corpus(path / file_name("int8"), fold, labels, read, console)
        for path in (PRETRAINED, folder)
    )
    for title, found in now.items():
        for name, ua in found.items():
            say(console, f"{title}, {name}: UA {before[title][name]:.1%}, and now {ua:.1%}.")
        means = [float(np.mean(list(each[title].values()))) for each in (before, now)]
        told = f"UA {means[1]:.1%} on {title}, and it has {means[0]:.1%}"
        say(console, f"Validation, as they are and degraded: {told}.")
        if means[1] < means[0]:
            raise ValueError(
                "The model that comes with the package is replaced only by one that is no worse on "
                f"the validation clips of any corpus. Received: {told}; the package's model is as "
                "it was"
            )
    with replaced(PRETRAINED) as beside:
        for name in map(file_name, DEFAULT_KINDS):
            shutil.copyfile(folder / name, beside / name)
        card = (folder / CARD).read_text(encoding="utf-8")
        (beside / CARD).write_text(card + _MEASURED_LATER, encoding="utf-8")
        shutil.copytree(folder / GOLDEN, beside / GOLDEN)
    return PRETRAINED


def _ua_by_corpus(
    file: Path, fold: Fold, labels: Sequence[str], read: Read, console: Console
) -> dict[str, dict[str, float]]:
    """Of a file, by corpus and by condition."""
    known = load_classifier(file).labels
    conditions = conditions_of(TESTS)
    return {
        title: ua_by_condition(
            file,
            clips,
            conditions,
            workers=None,
            description=f"{title}, {file.parent.name}",
            console=console,
        )
        for title, clips in _validation_clips(fold, labels, known, read).items()
    }


def _validation_clips(
    fold: Fold, labels: Sequence[str], known: Sequence[str], read: Read
) -> dict[str, Clips]:
    """By corpus, for a file that has `known` for classes; a babble is of training speakers."""
    found = {}
    for title in dict.fromkeys(example.corpus for example in fold.validation):
        heard = [example for example in fold.validation if example.corpus == title]
        spoken = [example for example in fold.train if example.corpus == title]
        found[title] = Clips(
            read=read,
            segments=[segment for example in heard for segment in example.segments],
            truth=[known.index(labels[e.label]) for e in heard for _ in e.segments],
            left_out={},
            speech=by_speaker(segment for example in spoken for segment in example.segments),
            recordings={},
        )
    return found


if __name__ == "__main__":
    leave(main())
