"""CREMA-D, as the commands need it."""

from recipes.common.preparation.clips import CLIP_TWICE, UNKNOWN_NAME
from recipes.common.recipe import Recipe
from recipes.crema_d.about import FACTS
from recipes.crema_d.manifest import read
from recipes.crema_d.protocol import folds_of, task_of
from recipes.crema_d.settings import CremaDSettings

RECIPE = Recipe(
    name="crema_d",
    facts=FACTS,
    read=read,
    settings=CremaDSettings,
    task_of=task_of,
    folds_of=folds_of,
    kinds=(UNKNOWN_NAME, CLIP_TWICE),
)
