"""The command `python -m recipes.compare`."""

from recipes.common.command import leave
from recipes.compare.cli import main

if __name__ == "__main__":
    leave(main())
