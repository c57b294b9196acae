"""M3ED, as the commands need it."""

from recipes.common.recipe import Recipe
from recipes.m3ed import problems
from recipes.m3ed.about import FACTS
from recipes.m3ed.manifest import read
from recipes.m3ed.protocol import folds_of, task_of
from recipes.m3ed.settings import M3edSettings

RECIPE = Recipe(
    name="m3ed",
    facts=FACTS,
    read=read,
    settings=M3edSettings,
    task_of=task_of,
    folds_of=folds_of,
    kinds=(problems.MALFORMED_ENTRY, problems.MISSING_SPLIT),
    as_published=(problems.EMPTY_AUDIO, problems.WRONG_SPEAKER),
)
