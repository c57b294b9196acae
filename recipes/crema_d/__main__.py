"""The command `python -m recipes.crema_d`."""

from collections.abc import Sequence

from recipes.common import cli
from recipes.common.command import leave
from recipes.common.preparation.clips import CLIP_TWICE, UNKNOWN_NAME
from recipes.common.recipe import Recipe
from recipes.crema_d.about import FACTS
from recipes.crema_d.manifest import read
from recipes.crema_d.protocol import folds_of, labels_of
from recipes.crema_d.settings import CremaDSettings

RECIPE = Recipe(
    name="crema_d",
    facts=FACTS,
    read=read,
    settings=CremaDSettings,
    labels_of=labels_of,
    folds_of=folds_of,
    kinds=(UNKNOWN_NAME, CLIP_TWICE),
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command; returns its exit code."""
    return cli.main(RECIPE, arguments)


if __name__ == "__main__":
    leave(main())
