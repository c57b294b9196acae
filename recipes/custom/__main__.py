"""The command `python -m recipes.custom`."""

import sys
from collections.abc import Sequence
from pathlib import Path

from recipes.common import prepare
from recipes.custom.manifest import read

RECIPE = prepare.Recipe(
    name="custom",
    title="a corpus of one's own",
    read=read,
    options={
        "--csv": {
            "type": Path,
            "metavar": "FILE.csv",
            "help": "one row per clip: path, label, speaker, and more; see recipes/custom "
            "(default: the only *.csv in --data)",
        }
    },
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command; returns its exit code."""
    return prepare.main(RECIPE, arguments)


if __name__ == "__main__":
    sys.exit(main())
