"""The command `python -m recipes.m3ed`."""

import sys
from collections.abc import Sequence

from recipes.common import prepare
from recipes.m3ed import problems
from recipes.m3ed.manifest import read

RECIPE = prepare.Recipe(
    name="m3ed",
    title="M3ED",
    read=read,
    kinds=(problems.MALFORMED_ENTRY, problems.MISSING_SPLIT),
    as_published=(problems.EMPTY_AUDIO, problems.WRONG_SPEAKER),
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command; returns its exit code."""
    return prepare.main(RECIPE, arguments)


if __name__ == "__main__":
    sys.exit(main())
