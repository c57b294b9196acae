"""Both corpora, as the commands need them."""

from recipes.common.preparation.clips import CLIP_TWICE, UNKNOWN_NAME
from recipes.common.recipe import Recipe
from recipes.joint.about import FACTS
from recipes.joint.manifest import read
from recipes.joint.protocol import folds_of, task_of
from recipes.joint.settings import JointSettings

RECIPE = Recipe(
    name="joint",
    facts=FACTS,
    read=read,
    settings=JointSettings,
    task_of=task_of,
    folds_of=folds_of,
    kinds=(UNKNOWN_NAME, CLIP_TWICE),
)
