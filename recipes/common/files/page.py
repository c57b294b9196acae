"""A table within a page that is otherwise written by hand."""

import re
from pathlib import Path

from keras_reparam._utils.files import write_bytes


def insert_table(page: Path, table: str, *, name: str) -> None:
    """Puts `table` between the page's lines `<!-- name -->` and `<!-- end of name -->`.

    Raises:
        FileNotFoundError: If there is no such page.
        ValueError: If it does not have these two lines once each, in this order.
    """
    begin, end = f"<!-- {name} -->\n", f"<!-- end of {name} -->"
    text = page.read_text(encoding="utf-8")
    parts = re.split(f"({re.escape(begin)}|{re.escape(end)})", text)
    if [part for part in parts if part in (begin, end)] != [begin, end]:
        raise ValueError(f"'{page}' must have the lines {begin.strip()} and {end} once each")
    before, _, _, _, after = parts
    write_bytes(page, f"{before}{begin}\n{table}\n{end}{after}".encode())
