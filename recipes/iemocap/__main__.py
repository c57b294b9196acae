"""The command `python -m recipes.iemocap`."""

from collections.abc import Sequence

from recipes.common import cli
from recipes.common.command import leave
from recipes.common.recipe import Recipe
from recipes.iemocap.about import FACTS
from recipes.iemocap.manifest import read
from recipes.iemocap.protocol import folds_of, labels_of
from recipes.iemocap.settings import IemocapSettings

RECIPE = Recipe(
    name="iemocap",
    facts=FACTS,
    read=read,
    settings=IemocapSettings,
    labels_of=labels_of,
    folds_of=folds_of,
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command; returns its exit code."""
    return cli.main(RECIPE, arguments)


if __name__ == "__main__":
    leave(main())
