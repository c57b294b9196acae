"""A progress bar that draws on terminals alone."""

from collections.abc import Iterable, Sequence

import rich.progress
from rich.console import Console


def track(items: Sequence, description: str, console: Console) -> Iterable:
    """The items; a bar shows how many of them are done."""
    return rich.progress.track(
        items, description, console=console, transient=True, disable=not console.is_terminal
    )
