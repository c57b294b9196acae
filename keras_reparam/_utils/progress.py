"""The progress bar of commands."""

from collections.abc import Iterable
from typing import TypeVar

import rich.progress
from rich.console import Console

Item = TypeVar("Item")


def track(
    items: Iterable[Item],
    description: str,
    console: Console | None = None,
    *,
    total: int | None = None,
) -> Iterable[Item]:
    """The items, with a bar if `console` is a terminal; it is gone when they are done.

    Args:
        items: What is worked on.
        description: What is done with them.
        console: Where the bar is drawn. `None`: standard error.
        total: Their number, for an iterator that does not tell it.
    """
    console = console or Console(stderr=True)
    return rich.progress.track(
        items,
        description,
        total=total,
        console=console,
        transient=True,
        disable=not console.is_terminal,
    )
