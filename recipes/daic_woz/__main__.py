"""`python -m recipes.daic_woz STAGE`, as `python -m recipes daic_woz STAGE`."""

from functools import partial

from recipes.common import cli
from recipes.common.command import leave
from recipes.daic_woz.recipe import RECIPE

main = partial(cli.main, RECIPE)

if __name__ == "__main__":
    leave(main())
