"""The header of a model card, in YAML, from plain values."""

import json
from collections.abc import Mapping, Sequence
from typing import Any


def yaml_header(values: Mapping[str, Any]) -> str:
    """`values` between two lines `---`, as Hugging Face reads them.

    Args:
        values: Mappings, sequences and, in the end, strings and numbers.

    Example:

    >>> print(yaml_header({"license": "mit", "tags": ["audio"]}))
    ---
    license: "mit"
    tags:
      - "audio"
    ---
    """
    return "\n".join(["---", *_lines(values), "---"])


def _lines(value: Any) -> list[str]:
    if isinstance(value, Mapping):
        return [line for key, item in value.items() for line in _entry(f"{key}:", item)]
    return [line for item in value for line in _entry("-", item)]


def _entry(start: str, value: Any) -> list[str]:
    """A key or a dash, and what follows it; every string of JSON is one of YAML."""
    if isinstance(value, str) or not isinstance(value, Mapping | Sequence):
        return [f"{start} {json.dumps(value)}"]
    lines = [f"  {line}" for line in _lines(value)]
    if start == "-":
        return [f"- {lines[0][2:]}", *lines[1:]]
    return [start, *lines]
