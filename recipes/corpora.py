"""All corpora that have a recipe."""

from recipes.common.recipe import Recipe
from recipes.crema_d.recipe import RECIPE as CREMA_D
from recipes.custom.recipe import RECIPE as CUSTOM
from recipes.daic_woz.recipe import RECIPE as DAIC_WOZ
from recipes.emodb.recipe import RECIPE as EMODB
from recipes.iemocap.recipe import RECIPE as IEMOCAP
from recipes.joint.recipe import RECIPE as JOINT
from recipes.m3ed.recipe import RECIPE as M3ED

RECIPES: dict[str, Recipe] = {
    recipe.name: recipe for recipe in (IEMOCAP, M3ED, DAIC_WOZ, EMODB, CREMA_D, JOINT, CUSTOM)
}
