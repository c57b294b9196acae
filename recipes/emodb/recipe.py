"""EmoDB, as the commands need it."""

from recipes.common.preparation.clips import CLIP_TWICE, UNKNOWN_NAME
from recipes.common.recipe import Recipe
from recipes.emodb.about import FACTS
from recipes.emodb.manifest import read
from recipes.emodb.protocol import folds_of, task_of
from recipes.emodb.settings import EmodbSettings

RECIPE = Recipe(
    name="emodb",
    facts=FACTS,
    read=read,
    settings=EmodbSettings,
    task_of=task_of,
    folds_of=folds_of,
    kinds=(UNKNOWN_NAME, CLIP_TWICE),
)
