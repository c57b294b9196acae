"""Published counts, and what was found."""

import dataclasses
from collections.abc import Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text


@dataclasses.dataclass(frozen=True)
class Count:
    """One published count and what was found.

    Attributes:
        name: What is counted, as in `"session 1, ang"`.
        expected: As published.
        found: In this copy of the corpus.
    """

    name: str
    expected: int
    found: int


def check_counts(counts: Sequence[Count], *, allow_mismatch: bool, console: Console) -> None:
    """Shows the counts that differ from the published ones, in a table, or that none does.

    Raises:
        ValueError: If any differs, unless `allow_mismatch`.
    """
    if not counts:
        return
    different = [count for count in counts if count.found != count.expected]
    if not different:
        console.print(f"All {len(counts)} published counts match.", highlight=False)
        return
    console.print(_table(different))
    message = f"{len(different)} of {len(counts)} counts differ from the published ones"
    if not allow_mismatch:
        raise ValueError(
            f"{message} (see the table): complete the corpus, or go on with what is there "
            "(--allow-count-mismatch)."
        )
    console.print(f"{message}, which is allowed.", highlight=False)


def _table(counts: Sequence[Count]) -> Table:
    table = Table(title="Counts that differ", title_justify="left")
    table.add_column("count", overflow="fold")
    for name in ("expected", "found", "difference"):
        table.add_column(name, justify="right")
    for count in counts:
        numbers = f"{count.expected:,}", f"{count.found:,}", f"{count.found - count.expected:+,}"
        table.add_row(Text(count.name), *numbers)
    return table
