"""Processes of our own."""

import os
import sys
from pathlib import Path


def python_path() -> str:
    """`PYTHONPATH` with which a child imports this package, and what else this process can."""
    package = str(Path(__file__).resolve().parents[2])
    return os.pathsep.join([package, *filter(None, sys.path)])
