"""Runs the guides, and writes them with what they print as pages of the site.

python docs/render.py [NAME ...]
"""

import argparse
import contextlib
import io
import os
import re
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import jupytext

ROOT = Path(__file__).resolve().parents[1]
GUIDES = ROOT / "docs" / "guides"
MADE = """*Made by `python docs/render.py {name}` of [{name}.py]({name}.py), output and all. To
run it yourself, in the checkout: `PYTHONPATH=. python docs/guides/{name}.py`.*"""


def page(name: str, run: Callable[[str], str] = lambda code: "") -> str:
    """The guide as Markdown.

    Args:
        name: Of the file in `docs/guides`.
        run: Takes the code of a cell, and gives what it prints.
    """
    parts = []
    for cell in jupytext.read(GUIDES / f"{name}.py", fmt="py:percent").cells:
        if cell.cell_type == "markdown":
            parts.append(cell.source)
            continue
        parts.append(f"```python\n{cell.source}\n```")
        printed = run(cell.source).replace(f"{ROOT}/", "")
        printed = "\n".join(line.rstrip() for line in printed.splitlines()).strip("\n")
        if printed:
            parts.append(f"```text\n{printed}\n```")
    title, *rest = parts
    return "\n\n".join([title, *rest, MADE.format(name=name)]) + "\n"


def without_output(text: str) -> str:
    """A page without what its cells print."""
    return re.sub(r"```text\n.*?\n```\n\n", "", text, flags=re.DOTALL)


@contextlib.contextmanager
def session() -> Iterator[Callable[[str], str]]:
    """Runs cells one after another, as one program, in a folder of its own."""
    names: dict = {"__name__": "__main__"}
    before = Path.cwd()

    def run(code: str) -> str:
        with contextlib.redirect_stdout(io.StringIO()) as out:
            exec(compile(code, "guide", "exec"), names)
        return out.getvalue()

    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        try:
            yield run
        finally:
            os.chdir(before)


def rendered(name: str, pictures: Path) -> str:
    """Runs a guide, and copies the pictures that it shows into a folder."""
    with session() as run:
        text = page(name, run)
        for picture in re.findall(r"!\[[^\]]*\]\(([\w-]+\.png)\)", text):
            (found,) = Path.cwd().rglob(picture)
            shutil.copyfile(found, pictures / picture)
    return text


def main() -> None:
    parser = argparse.ArgumentParser(description="Run guides and write their pages.")
    names = sorted(path.stem for path in GUIDES.glob("*.py"))
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(names))
    # As wide as a page, and without colors.
    os.environ["COLUMNS"] = "100"
    sys.path.insert(0, str(ROOT))
    for name in parser.parse_args().names or names:
        (GUIDES / f"{name}.md").write_text(rendered(name, GUIDES), encoding="utf-8")


if __name__ == "__main__":
    main()
