"""The command `python -m recipes.crema_d`."""

import sys
from collections.abc import Sequence

from recipes.common import prepare
from recipes.common.clips import CLIP_TWICE, UNKNOWN_NAME
from recipes.crema_d.manifest import read

RECIPE = prepare.Recipe(
    name="crema_d", title="CREMA-D", read=read, kinds=(UNKNOWN_NAME, CLIP_TWICE)
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command; returns its exit code."""
    return prepare.main(RECIPE, arguments)


if __name__ == "__main__":
    sys.exit(main())
