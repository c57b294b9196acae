"""The command `python -m recipes.benchmark`."""

from recipes.benchmark.cli import main
from recipes.common.command import leave

if __name__ == "__main__":
    leave(main())
