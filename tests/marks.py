"""Marks that several files give."""

import pytest


def slow_but(values, *quick):
    """Parameters: of `values` (tuples: of several names), all but `quick` are slow.

    What one of them shows each time, CI shows for all.
    """
    return [
        pytest.param(
            *(value if isinstance(value, tuple) else (value,)),
            marks=() if value in quick else pytest.mark.slow,
        )
        for value in values
    ]
