"""The command `python -m recipes.quantization`."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from recipes.common.command import Parser, exit_code, leave, speed_up, starting_keras
from recipes.common.configuration import checked
from recipes.quantization.settings import BACKBONES, RUN, SHORT_DATA, Settings

# Enough for scores that vary; a minute or two.
_SHORT = {"backbones": BACKBONES[:1], "epochs": 8, "limit": 3}


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command; returns its exit code: 1 if a bar is missed."""
    parser = Parser(
        prog="python -m recipes.quantization",
        description="What quantization costs: trains light backbones on EmoDB in folds of "
        "speakers, exports every kind, and compares accuracy, size and time with the float model. "
        "Trained models are kept: a second call goes on where the first one stopped.",
        epilog="Example: python -m recipes.quantization --data ../shared/data",
    )
    parser.add_argument(
        "--data", type=Path, metavar="DIR", help="folder with emodb/emodb.csv and its audio"
    )
    parser.add_argument(
        "--short",
        action="store_true",
        help="a trial: one backbone, a few epochs, some of the repository's clips",
    )
    parser.add_argument(
        "--backbones",
        nargs="+",
        metavar="NAME",
        help=f"light backbones (default {' '.join(BACKBONES)})",
    )
    parser.add_argument("--folds", type=int, metavar="N", help="groups of speakers (default 2)")
    parser.add_argument(
        "--epochs",
        type=int,
        metavar="N",
        help=f"passes over the training clips (default {Settings.model_fields['epochs'].default})",
    )
    parser.add_argument("--out", type=Path, metavar="DIR", help=f"results (default {RUN})")
    options = parser.parse_args(arguments)
    if options.data is None and not options.short:
        parser.error("give --data DIR, or --short for a trial without it")
    return exit_code("quantization", lambda: _run(options))


def _run(options: argparse.Namespace) -> int:
    given = {name: getattr(options, name) for name in ("data", "folds", "epochs")}
    if options.backbones is not None:
        given["backbones"] = tuple(options.backbones)
    given = {name: value for name, value in given.items() if value is not None}
    short = {"data": SHORT_DATA, **_SHORT} if options.short else {}
    settings = checked(Settings, {**short, **given})
    # All that can be known at once is said at once: Keras takes seconds to import.
    if not settings.data.is_dir():
        raise FileNotFoundError(f"There is no folder of clips '{settings.data}'")
    speed_up()
    from rich.console import Console

    console = Console()
    with console.status("Starting Keras"), starting_keras():
        from recipes.quantization.run import run
    out = options.out or RUN.with_name(RUN.name + "-short" if options.short else RUN.name)
    return 1 if run(settings, out, console) else 0


if __name__ == "__main__":
    leave(main())
