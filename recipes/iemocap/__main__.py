"""The command `python -m recipes.iemocap`."""

import sys
from collections.abc import Sequence

from recipes.common import prepare
from recipes.iemocap.manifest import read

RECIPE = prepare.Recipe(name="iemocap", title="IEMOCAP", read=read)


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command; returns its exit code."""
    return prepare.main(RECIPE, arguments)


if __name__ == "__main__":
    sys.exit(main())
