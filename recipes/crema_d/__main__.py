"""`python -m recipes.crema_d STAGE`, as `python -m recipes crema_d STAGE`."""

from functools import partial

from recipes.common import cli
from recipes.common.command import leave
from recipes.crema_d.recipe import RECIPE

main = partial(cli.main, RECIPE)

if __name__ == "__main__":
    leave(main())
