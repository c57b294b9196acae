"""IEMOCAP, as the commands need it."""

from recipes.common.recipe import Recipe
from recipes.iemocap.about import FACTS
from recipes.iemocap.manifest import read
from recipes.iemocap.protocol import folds_of, task_of
from recipes.iemocap.settings import IemocapSettings

RECIPE = Recipe(
    name="iemocap",
    facts=FACTS,
    read=read,
    settings=IemocapSettings,
    task_of=task_of,
    folds_of=folds_of,
)
