"""The command `python -m recipes.common.store`."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from recipes.common.command import Parser, exit_code
from recipes.common.manifest import read_manifest
from recipes.common.store.standard import build_standard_store


def main(arguments: Sequence[str] | None = None) -> int:
    """The command."""
    parser = Parser(
        prog="python -m recipes.common.store",
        description="Reads the clips of a manifest, and computes their log-mel features, once for "
        "all trainings. Run it again after an interruption: it continues.",
        epilog="Example: python -m recipes.common.store --manifest emodb.csv --data ~/emodb "
        "--out runs/emodb/store",
    )
    parser.add_argument("--manifest", type=Path, required=True, metavar="FILE.csv")
    parser.add_argument("--data", type=Path, required=True, metavar="DIR", help="the corpus")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="the store")
    parser.add_argument(
        "--skip-unreadable",
        action="store_true",
        help="leave out clips that can't be read, instead of ending with an error",
    )
    options = parser.parse_args(arguments)
    return exit_code("store", lambda: _build(options))


def _build(options: argparse.Namespace) -> int:
    summary = build_standard_store(
        read_manifest(options.manifest),
        options.data,
        options.out,
        skip_unreadable=options.skip_unreadable,
    )
    Console().print(summary, highlight=False, markup=False, soft_wrap=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
