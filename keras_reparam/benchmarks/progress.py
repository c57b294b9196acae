"""The progress bar of the benchmarks."""

from collections.abc import Iterable, Sequence
from typing import TypeVar

from rich.console import Console
from rich.progress import track

Item = TypeVar("Item")


def progress(items: Sequence[Item], description: str) -> Iterable[Item]:
    """The items, with a bar on standard error if that is a terminal."""
    console = Console(stderr=True)
    return track(
        items, description, console=console, transient=True, disable=not console.is_terminal
    )
