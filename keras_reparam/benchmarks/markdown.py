"""Tables for the documents, which these commands fill."""

import io

from rich import box
from rich.console import Console
from rich.table import Table

# Wider than any table: a row of Markdown is one line.
_WIDTH = 1000


def markdown(table: Table) -> str:
    """A table as Markdown, without its title; its caption becomes a paragraph.

    Example:

    >>> table = Table("size", "parameters", caption="4 classes")
    >>> table.add_row("light", "153,076")
    >>> print(markdown(table))
    | size  | parameters |
    |-------|------------|
    | light | 153,076    |
    <BLANKLINE>
    4 classes
    """
    caption = table.caption
    table.box, table.title, table.caption = box.MARKDOWN, None, None
    text = io.StringIO()
    Console(file=text, width=_WIDTH).print(table)
    lines = (line.strip() for line in text.getvalue().splitlines())
    return "\n".join(filter(None, lines)) + (f"\n\n{caption}" if caption else "")
