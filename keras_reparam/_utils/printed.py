"""How reports print."""

import io
from collections.abc import Iterable

from rich.console import Console
from rich.table import Table
from rich.text import Text

_ALARMS = ("FAILED", "PROBLEM")


class Printed:
    """Makes `str(report)` what rich prints of a report, 100 columns wide."""

    def __str__(self) -> str:
        text = io.StringIO()
        Console(file=text, width=100).print(self)
        return text.getvalue()


def table_of(title: str, rows: Iterable[tuple[str, str]]) -> Table:
    """A table of rows (what, value). Users and files chose the texts, so none is markup."""
    table = Table(title=Text(title, style="table.title"), title_justify="left", show_header=False)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for row in rows:
        table.add_row(*map(Text, row), style="bold red" if row[0] in _ALARMS else None)
    return table
