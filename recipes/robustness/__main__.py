"""The command `python -m recipes.robustness`."""

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

from recipes.common.command import Parser, at_least, exit_code, leave, say

RUN = Path("runs") / "robustness"
# Of the short form.
_SHORT_LIMIT = 5


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command; returns its exit code."""
    parser = Parser(
        prog="python -m recipes.robustness",
        description="What a .tflite speech classifier bears: classifies clips as they are and as "
        "phones, rooms and networks make them, and holds the results against published marks.",
        epilog="Example: python -m recipes.robustness keras_reparam/pretrained/ser_int8.tflite "
        "--manifest recipes/data/emodb4/emodb4.csv --data recipes/data/emodb4 --split test",
    )
    parser.add_argument(
        "model", type=Path, metavar="FILE.tflite", help="a classifier with labels inside"
    )
    parser.add_argument(
        "--manifest",
        type=Path,
        required=True,
        metavar="FILE.csv",
        help="the clips, as recipes list them (`python -m recipes custom prepare` makes one)",
    )
    parser.add_argument(
        "--data", type=Path, required=True, metavar="DIR", help="folder with their audio"
    )
    for name in ("fold", "split"):
        parser.add_argument(
            f"--{name}",
            dest=f"{name}s",
            action="append",
            default=[],
            metavar="NAME",
            help=f"only clips of this {name}; can be given several times (default: all)",
        )
    parser.add_argument(
        "--tests",
        metavar="NAME,...",
        help="only these tests or families of tests (default: all; see docs/howto/robustness.md)",
    )
    parser.add_argument(
        "--limit", type=at_least(1), metavar="N", help="at most N clips of each class and speaker"
    )
    parser.add_argument(
        "--short",
        action="store_true",
        help=f"a trial: {_SHORT_LIMIT} clips of each class and speaker, the tests that tell most",
    )
    parser.add_argument(
        "--recordings",
        type=Path,
        metavar="DIR",
        help="recordings in folders called environment, music, cough and sneeze; without them "
        "these tests do not run",
    )
    parser.add_argument(
        "--seed", type=at_least(0), default=1, metavar="N", help="of all that is random (default 1)"
    )
    parser.add_argument(
        "--workers", type=at_least(1), metavar="N", help="processes (default: one for each core)"
    )
    parser.add_argument(
        "--silence-decibels",
        type=float,
        metavar="DB",
        help="quieter windows are silence, which is no class (default: as `kr.load_classifier`; "
        "=-inf: none is)",
    )
    parser.add_argument(
        "--out", type=Path, default=RUN, metavar="DIR", help=f"results (default {RUN})"
    )
    parser.add_argument("--json", action="store_true", help="print JSON, for programs")
    parser.add_argument("--strict", action="store_true", help="exit with 1 if a mark is missed")
    options = parser.parse_args(arguments)
    return exit_code("robustness", lambda: _run(options))


def _run(options: argparse.Namespace) -> int:
    # What reads audio and filters it takes a second to import.
    from rich.console import Console

    from keras_reparam.audio.silence import SILENCE_DECIBELS
    from recipes.robustness.conditions import SHORT
    from recipes.robustness.run import run
    from recipes.robustness.table import tables
    from recipes.robustness.written import as_json, write

    tests, limit = options.tests, options.limit
    if tests is not None:
        tests = [name.strip() for name in tests.split(",") if name.strip()]
    if options.short:
        tests, limit = tests or SHORT, limit or _SHORT_LIMIT
    silence = options.silence_decibels
    report, classes, clips = run(
        options.model,
        options.manifest,
        options.data,
        tests=tests,
        folds=options.folds,
        splits=options.splits,
        limit=limit,
        recordings=options.recordings,
        seed=options.seed,
        silence_decibels=SILENCE_DECIBELS if silence is None else silence,
        workers=options.workers,
    )
    write(report, classes, clips, options.out)
    if options.json:
        print(json.dumps(as_json(report), indent=1, ensure_ascii=False))
    else:
        console = Console()
        console.print(tables(report))
        say(console, f"Figures, predictions and a picture lie in {options.out}")
    return 1 if options.strict and not all(report.tests.values()) else 0


if __name__ == "__main__":
    leave(main())
