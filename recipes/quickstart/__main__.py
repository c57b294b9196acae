"""The command `python -m recipes.quickstart`."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from recipes.common.command import Parser, exit_code, leave, speed_up, starting_keras
from recipes.common.configuration import checked
from recipes.quickstart.settings import DATA, RUN, Settings


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command; returns its exit code."""
    parser = Parser(
        prog="python -m recipes.quickstart",
        description="Train a light model of emotions in speech with HRF, merge it, export it as "
        "int8, evaluate it on two held-out speakers. No download; a few minutes on two cores.",
        epilog="Example: python -m recipes.quickstart --out runs/first",
    )
    parser.add_argument(
        "--out", type=Path, default=RUN, metavar="DIR", help=f"results (default {RUN})"
    )
    defaults = Settings()
    for name, help in (
        ("epochs", "passes over the training clips"),
        ("expansion", "HRF expansion"),
        ("seed", "of weights, order and augmentation"),
    ):
        value = getattr(defaults, name)
        parser.add_argument(
            f"--{name}", type=int, default=value, metavar="N", help=f"{help} (default {value})"
        )
    parser.add_argument(
        "--limit", type=int, metavar="N", help="for a trial: N clips of each emotion and split"
    )
    parser.add_argument(
        "--data",
        type=Path,
        default=DATA,
        metavar="DIR",
        help="the clips (default: the repository's)",
    )
    options = parser.parse_args(arguments)
    return exit_code("quickstart", lambda: _run(options))


def _run(options: argparse.Namespace) -> int:
    names = ("data", "epochs", "limit", "seed", "expansion")
    settings = checked(Settings, {name: getattr(options, name) for name in names})
    # All that can be known at once is said at once: Keras takes seconds to import.
    if not settings.data.is_dir():
        raise FileNotFoundError(f"There is no folder of clips '{settings.data}'")
    speed_up()
    from rich.console import Console

    console = Console()
    with console.status("Starting Keras"), starting_keras():
        from recipes.quickstart.run import run
    run(settings, options.out, console=console)
    return 0


if __name__ == "__main__":
    leave(main())
