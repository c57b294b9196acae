"""The command `python -m recipes.joint.install`: a run's model becomes the package's."""

import argparse
import math
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from rich.console import Console

import keras_reparam
from keras_reparam._utils.progress import track
from keras_reparam.deploy import Classifier
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
from recipes.common.protocol.fold import Example
from recipes.common.protocol.folds import OFFICIAL
from recipes.common.results.metrics import evaluate
from recipes.common.run_folder import RunFolder
from recipes.common.store.layout import SAMPLE_RATE
from recipes.common.store.store import Store
from recipes.joint.recipe import RECIPE

# What other commands put into the card, each between its lines.
_MEASURED_LATER = """
## What it bears
<!-- robustness -->
<!-- end of robustness -->

## Beside others
<!-- baselines -->
<!-- end of baselines -->
"""
PRETRAINED = Path(keras_reparam.__file__).parent / "pretrained"


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command; returns its exit code."""
    parser = Parser(
        prog="python -m recipes.joint.install",
        description="Make the exported model of a run the one that comes with the package, with "
        "its card and golden clips, unless the package's is better on a corpus's validation clips.",
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
    store = Store(options.out / "store")
    folder = install(
        run.fold(OFFICIAL), fold.validation, lambda example: store.audio(example.id), console
    )
    say(console, f"Installed in {folder}. Now renew what tells of it: recipes/joint/README.md")
    return 0


def install(
    folder: Path,
    validation: Sequence[Example],
    read: Callable[[Example], np.ndarray],
    console: Console,
) -> Path:
    """Copies a fold's files, their card and golden clips to where the package looks for them.

    Args:
        folder: Of the fold, exported.
        validation: The clips that decide: those of the test choose nothing.
        read: Gives a clip's waveform.
        console: Where to report.

    Raises:
        FileNotFoundError: If the fold was not exported.
        ValueError: If the package's model is better on the clips of any corpus.
    """
    if not (folder / RESULTS).is_file():
        raise FileNotFoundError(f"'{folder}' holds no exported model: export the run first")
    before, now = (
        _ua_by_corpus(path / file_name("int8"), validation, read, console)
        for path in (PRETRAINED, folder)
    )
    for title, ua in now.items():
        told = f"UA {ua:.1%} on {title}, and it has {before[title]:.1%}"
        say(console, f"Validation: {told}.")
        if ua < before[title]:
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
    file: Path,
    examples: Sequence[Example],
    read: Callable[[Example], np.ndarray],
    console: Console,
) -> dict[str, float]:
    """Of an int8 file, however quiet a clip is."""
    classifier = Classifier(file, silence_decibels=-math.inf)
    heard: dict[str, tuple[list[int], list[int]]] = {}
    for example in track(examples, f"Scoring {file.parent.name}'s model", console):
        label = classifier.classify(read(example), SAMPLE_RATE).label
        truth, predicted = heard.setdefault(example.corpus, ([], []))
        truth.append(example.label)
        predicted.append(classifier.labels.index(label))
    return {
        title: evaluate(np.array(truth), np.array(predicted), classifier.labels).ua
        for title, (truth, predicted) in heard.items()
    }


if __name__ == "__main__":
    leave(main())
