"""`python -m recipes.iemocap STAGE`, as `python -m recipes iemocap STAGE`."""

from functools import partial

from recipes.common import cli
from recipes.common.command import leave
from recipes.iemocap.recipe import RECIPE

main = partial(cli.main, RECIPE)

if __name__ == "__main__":
    leave(main())
