"""The progress bar of the benchmarks."""

from collections.abc import Iterable
from typing import TypeVar

from rich.console import Console
from rich.progress import track

Item = TypeVar("Item")


def progress(
    items: Iterable[Item], description: str, *, total: int | None = None
) -> Iterable[Item]:
    """The items, with a bar on standard error if that is a terminal.

    `total` is their number, for an iterator that does not tell it.
    """
    console = Console(stderr=True)
    return track(
        items,
        description,
        total=total,
        console=console,
        transient=True,
        disable=not console.is_terminal,
    )
