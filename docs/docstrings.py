"""Docstrings as the site reads them: examples, which stand unindented as in Keras, are code."""

import re
from typing import Any

import griffe

_HEADING = re.compile(r"^(Example|Reference):$", re.MULTILINE)
_SESSION = re.compile(r"^>>> .*(?:\n.+)*", re.MULTILINE)


class Examples(griffe.Extension):
    """Makes code of the interpreter's sessions in docstrings."""

    def on_object(self, *, obj: griffe.Object, **kwargs: Any) -> None:
        if obj.docstring:
            text = _HEADING.sub(r"**\1**", obj.docstring.value)
            obj.docstring.value = _SESSION.sub(r"```pycon\n\g<0>\n```", text)
