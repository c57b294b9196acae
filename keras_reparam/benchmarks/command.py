"""What the commands of measurements share: how they print, and how they end."""

import argparse
import json
import signal
import sys
from collections.abc import Callable, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table

from keras_reparam.benchmarks.markdown import markdown

FAILED = 1
BAD_INPUT = 2


def form_options(parser: argparse.ArgumentParser) -> argparse._MutuallyExclusiveGroup:
    """Adds `--json` and `--markdown`, of which one can be given."""
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="print JSON")
    form.add_argument("--markdown", action="store_true", help="print Markdown, as in docs")
    return form


def print_result(options: argparse.Namespace, content: Any, tables: Sequence[Table]) -> None:
    """Prints `content` as JSON, or else `tables`, in the form that was asked for."""
    if options.json:
        print(json.dumps(content, indent=1))
    elif options.markdown:
        print("\n\n".join(map(markdown, tables)))
    else:
        for table in tables:
            Console().print(table)


def exit_code(
    parser: argparse.ArgumentParser, body: Callable[[], int], *, failed: int = FAILED
) -> int:
    """Runs `body`: what it returns; of an error one line, and 2 (bad input) or `failed`.

    130 of Ctrl-C.
    """
    try:
        return body()
    except KeyboardInterrupt:
        return 128 + signal.SIGINT
    except (ValueError, TypeError, OSError) as error:
        print(f"{parser.prog}: {error}", file=sys.stderr)
        return BAD_INPUT
    except RuntimeError as error:
        print(f"{parser.prog}: {error}", file=sys.stderr)
        return failed
