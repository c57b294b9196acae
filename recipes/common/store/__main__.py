"""The command `python -m recipes.common.store`."""

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from recipes.common.command import Parser, exit_code, interrupted_at_the_end, keep_quiet
from recipes.common.manifest import read_manifest
from recipes.common.store import build_store


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
    keep_quiet()
    return exit_code("store", lambda: _build(options))


def _build(options: argparse.Namespace) -> int:
    segments = read_manifest(options.manifest)
    from keras_reparam.deploy.quiet import quiet

    with interrupted_at_the_end(), quiet():
        from keras_reparam.audio import LogMel

        log_mel = LogMel()
    start = time.monotonic()
    store = build_store(
        segments,
        options.data,
        options.out,
        log_mel=log_mel,
        skip_unreadable=options.skip_unreadable,
    )
    seconds = time.monotonic() - start
    hours = sum(store.length(clip) for clip in store.ids) / store.sample_rate / 3600
    size = sum(path.stat().st_size for path in options.out.iterdir() if path.is_file())
    Console().print(
        f"{len(store)} clips, {hours:.2f} hours, {size / 1e6:,.1f} MB in {options.out} "
        f"({seconds:.1f} s)",
        highlight=False,
        markup=False,
        soft_wrap=True,
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
