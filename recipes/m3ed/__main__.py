"""`python -m recipes.m3ed STAGE`, as `python -m recipes m3ed STAGE`."""

from functools import partial

from recipes.common import cli
from recipes.common.command import leave
from recipes.m3ed.recipe import RECIPE

main = partial(cli.main, RECIPE)

if __name__ == "__main__":
    leave(main())
