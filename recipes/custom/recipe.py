"""A corpus of one's own, as the commands need it."""

from pathlib import Path

from recipes.common.recipe import Recipe
from recipes.custom.about import FACTS
from recipes.custom.manifest import read
from recipes.custom.protocol import folds_of, task_of
from recipes.custom.settings import CustomSettings

RECIPE = Recipe(
    name="custom",
    facts=FACTS,
    read=read,
    settings=CustomSettings,
    task_of=task_of,
    folds_of=folds_of,
    reading_of=lambda settings: {"target": settings.target},
    options={
        "--csv": {
            "type": Path,
            "metavar": "FILE.csv",
            "help": "one row per clip: path, label, speaker, and more; see recipes/custom "
            "(default: the only *.csv in --data)",
        }
    },
)
