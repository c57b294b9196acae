"""The command `python -m recipes.baselines`."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from recipes.baselines import functionals
from recipes.baselines.settings import EGEMAPS, NAMES, OURS, RESULTS, RUN, WHISPER, Settings
from recipes.common.command import Parser, exit_code, leave, speed_up, starting_keras
from recipes.common.configuration import checked
from recipes.common.files.page import insert_table
from recipes.common.names import file_name
from recipes.common.perturbations.codecs import available

# Enough to see that all of it works.
_SHORT = {"epochs": 1, "limit": 2, "copies": 0}


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command; returns its exit code."""
    parser = Parser(
        prog="python -m recipes.baselines",
        description="What a user would take instead of the package's model: trains the others on "
        "the same speakers, and compares accuracy, as clips are and under three conditions, time, "
        "memory and bytes. Trained models and answers are kept: a second call goes on where the "
        "first one stopped.",
        epilog="Example: python -m recipes.baselines --data ../shared/data --out runs/baselines "
        "--teacher whisper_tiny_en",
    )
    parser.add_argument(
        "--data", type=Path, required=True, metavar="DIR", help="folder with emodb and crema_d"
    )
    parser.add_argument(
        "--out", type=Path, default=RUN, metavar="DIR", help=f"results (default {RUN})"
    )
    parser.add_argument(
        "--file",
        type=Path,
        metavar="SER.tflite",
        help="what the others are compared with (default: the package's int8 file)",
    )
    parser.add_argument(
        "--teacher",
        metavar="PRESET",
        help="name or folder of a Whisper of KerasHub; without it Whisper is left out",
    )
    parser.add_argument(
        "--only",
        action="append",
        choices=NAMES[1:],
        metavar="NAME",
        help=f"compare with this one alone: {', '.join(NAMES[1:])}; can be given several times",
    )
    parser.add_argument("--short", action="store_true", help="a trial: few clips, one epoch")
    parser.add_argument(
        "--into",
        type=Path,
        metavar="FILE.md",
        help="put the table between this page's lines <!-- baselines --> and its end, too",
    )
    options = parser.parse_args(arguments)
    return exit_code("baselines", lambda: _run(options))


def left_out(teacher: str | None) -> dict[str, str]:
    """Who can't be compared, and what that one needs."""
    missing = {} if functionals.installed() else {EGEMAPS: functionals.MISSING}
    if teacher is None:
        missing[WHISPER] = (
            "needs a Whisper of KerasHub: give --teacher, see recipes/teachers/README.md"
        )
    return missing


def _run(options: argparse.Namespace) -> int:
    settings = checked(Settings, _SHORT if options.short else {})
    # All that can be known at once is said at once: Keras takes seconds to import.
    if not options.data.is_dir():
        raise FileNotFoundError(f"There is no folder of clips '{options.data}'")
    if not available("amr_nb"):
        raise FileNotFoundError(
            "The telephone needs PyAV with an encoder of AMR-NB: pip install av"
        )
    speed_up()
    from rich.console import Console

    console = Console()
    with console.status("Starting Keras"), starting_keras():
        from recipes.baselines.run import run
        from recipes.joint.install import PRETRAINED
    wanted = [name for name in NAMES if name == OURS or not options.only or name in options.only]
    missing = left_out(options.teacher)
    run(
        settings,
        options.data,
        options.out,
        file=options.file or PRETRAINED / file_name("int8"),
        teacher=options.teacher,
        names=[name for name in wanted if name not in missing],
        notes=[f"{name} is left out: it {why}" for name, why in missing.items() if name in wanted],
        console=console,
    )
    if options.into is not None:
        text = (options.out / RESULTS).read_text(encoding="utf-8")
        insert_table(options.into, text, name="baselines")
    return 0


if __name__ == "__main__":
    leave(main())
