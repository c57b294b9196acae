"""A progress bar that draws on terminals alone."""

from collections.abc import Iterable

import rich.progress
from rich.console import Console


def track(
    items: Iterable, description: str, console: Console, *, total: int | None = None
) -> Iterable:
    """The items; a bar shows how many of them are done. `total`: of items without a length."""
    return rich.progress.track(
        items,
        description,
        total=total,
        console=console,
        transient=True,
        disable=not console.is_terminal,
    )
