"""A progress bar for what takes long on large models."""

from collections.abc import Iterable, Sequence
from typing import Any


def with_progress(items: Sequence[Any], description: str) -> Iterable[Any]:
    """The items, with a bar on a terminal that is gone when they are done."""
    # Here, since `import keras_reparam` imports this, and nothing else needs them so early.
    from rich.console import Console
    from rich.progress import track

    console = Console(stderr=True)
    return track(
        items, description, console=console, transient=True, disable=not console.is_terminal
    )
