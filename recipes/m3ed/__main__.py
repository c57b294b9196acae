"""The command `python -m recipes.m3ed`."""

from collections.abc import Sequence

from recipes.common import cli
from recipes.common.command import leave
from recipes.common.recipe import Recipe
from recipes.m3ed import problems
from recipes.m3ed.about import FACTS
from recipes.m3ed.manifest import read
from recipes.m3ed.protocol import folds_of, labels_of
from recipes.m3ed.settings import M3edSettings

RECIPE = Recipe(
    name="m3ed",
    facts=FACTS,
    read=read,
    settings=M3edSettings,
    labels_of=labels_of,
    folds_of=folds_of,
    kinds=(problems.MALFORMED_ENTRY, problems.MISSING_SPLIT),
    as_published=(problems.EMPTY_AUDIO, problems.WRONG_SPEAKER),
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command; returns its exit code."""
    return cli.main(RECIPE, arguments)


if __name__ == "__main__":
    leave(main())
