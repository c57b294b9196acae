"""`python -m recipes.joint STAGE`, as `python -m recipes joint STAGE`."""

from functools import partial

from recipes.common import cli
from recipes.common.command import leave
from recipes.joint.recipe import RECIPE

main = partial(cli.main, RECIPE)

if __name__ == "__main__":
    leave(main())
