"""Words of the user's in Markdown, LaTeX and pictures: shown as they are, never as commands."""

import re

_LATEX = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    "±": r"$\pm$",
    "≤": r"$\leq$",
    "≥": r"$\geq$",
    **{sign: f"\\{sign}" for sign in "&%$#_{}"},
}


def markdown_text(text: object) -> str:
    """On one line; what stands between bars is left to the table."""
    line = " ".join(str(text).split())
    line = re.sub(r"([\\`*\[\]<>&~])", r"\\\1", line)
    # At the start, what would begin a heading or a list.
    line = re.sub(r"^(#|[-+](?=\s)|[0-9]+(?=[.)]\s))", _escaped_start, line)
    # Within a word an underscore is itself.
    return re.sub(r"(?<![^\W_])_|_(?![^\W_])", r"\\_", line)


def _escaped_start(found: re.Match) -> str:
    return found[0] + "\\" if found[0].isdigit() else "\\" + found[0]


def latex_text(text: object) -> str:
    """On one line, with minus signs before numbers."""
    line = "".join(_LATEX.get(sign, sign) for sign in " ".join(str(text).split()))
    return re.sub(r"(?<![\w.)-])-(?=[0-9])", "$-$", line)


def picture_text(text: object) -> str:
    """On one line; dollars begin no formula."""
    return " ".join(str(text).split()).replace("$", r"\$")
