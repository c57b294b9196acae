"""The command `python -m recipes CORPUS STAGE`."""

import sys
from collections.abc import Sequence

from recipes.common import cli
from recipes.common.command import Parser, leave
from recipes.corpora import RECIPES


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command; returns its exit code."""
    parser = Parser(
        prog="python -m recipes",
        usage="python -m recipes [-h] CORPUS STAGE ...",
        description="Experiments on corpora of emotional speech, from the recordings to the phone.",
        epilog="Example: python -m recipes emodb all --data ~/emodb",
    )
    parser.add_argument("corpus", metavar="CORPUS", choices=RECIPES, help=", ".join(RECIPES))
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    # What follows is the corpus's own, `--help` above all.
    corpus = parser.parse_args(arguments[:1]).corpus
    return cli.main(RECIPES[corpus], arguments[1:])


if __name__ == "__main__":
    leave(main())
