"""The command `python -m recipes.m3ed`."""

from collections.abc import Sequence

from recipes.common import cli
from recipes.common.command import leave
from recipes.m3ed.recipe import RECIPE


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command; returns its exit code."""
    return cli.main(RECIPE, arguments)


if __name__ == "__main__":
    leave(main())
