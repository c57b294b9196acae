"""The command `python -m recipes.robustness.page`: reports side by side in a page."""

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from keras_reparam.deploy.release.model_card import markdown_table
from recipes.common.command import Parser, exit_code, leave
from recipes.common.files.json_file import read_json
from recipes.common.files.page import insert_table


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command; returns its exit code."""
    parser = Parser(
        prog="python -m recipes.robustness.page",
        description="Write reports side by side as a Markdown table, between a page's lines "
        "<!-- robustness --> and <!-- end of robustness -->.",
        epilog="Example: python -m recipes.robustness.page EmoDB=runs/robustness/robustness.json "
        "--into keras_reparam/pretrained/MODEL_CARD.md",
    )
    parser.add_argument(
        "reports",
        nargs="+",
        type=_named,
        metavar="NAME=FILE.json",
        help="what a report's column is called, and its robustness.json",
    )
    parser.add_argument("--into", type=Path, required=True, metavar="FILE.md", help="the page")
    options = parser.parse_args(arguments)
    return exit_code("robustness.page", lambda: _run(options))


def _named(text: str) -> tuple[str, Path]:
    name, equals, path = text.partition("=")
    if not (name and equals and path):
        raise argparse.ArgumentTypeError(f"expected NAME=FILE.json. Received: {text}")
    return name, Path(path)


def _run(options: argparse.Namespace) -> int:
    reports = {name: read_json(path, dict[str, Any]) for name, path in options.reports}
    insert_table(options.into, page(reports), name="robustness")
    return 0


def page(reports: Mapping[str, Mapping[str, Any]]) -> str:
    """Sentences and a table with a row for each condition and a column for each report.

    Args:
        reports: Contents of `robustness.json` by the names of their columns.

    Raises:
        ValueError: If the reports are of different files, or not of the same conditions.
    """
    first = next(iter(reports.values()))
    names = [outcome["name"] for outcome in first["outcomes"]]
    for report in reports.values():
        same = report["model_sha256"] == first["model_sha256"]
        if not same or [outcome["name"] for outcome in report["outcomes"]] != names:
            raise ValueError("Reports of one page must be of one file, and of the same tests")
    rows = [_row(number, reports) for number in range(-1, len(names))]
    table = markdown_table(["condition", *reports], rows)
    return f"{_sentences(reports)}\n\n{table}\n"


def _sentences(reports: Mapping[str, Mapping[str, Any]]) -> str:
    told = []
    for name, report in reports.items():
        passed = report["passed"]
        people = f"{report['clips']:,} clips of {report['speakers']} speakers"
        told.append(f"{name}, {people}: {sum(passed.values())} of {len(passed)} tests passed.")
        missed = ", ".join(f"`{test}`" for test, is_passed in passed.items() if not is_passed)
        if missed:
            told.append(f"Missed: {missed}.")
    return " ".join([*told, "UA, and the share of clips that keep their class, in percent."])


def _row(number: int, reports: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """A condition's row; -1: of the clips as they are."""
    if number < 0:
        return ["as they are", *(f"{100 * r['clean']['ua']:.1f}" for r in reports.values())]
    outcomes = [report["outcomes"][number] for report in reports.values()]
    cells = []
    for outcome, report in zip(outcomes, reports.values(), strict=True):
        missed = report["passed"].get(outcome["name"]) is False
        figures = f"{100 * outcome['ua']:.1f}, {100 * outcome['unchanged']:.0f}"
        cells.append(f"{figures} **missed**" if missed else figures)
    return [f"`{outcomes[0]['name']}`: {outcomes[0]['what']}", *cells]


if __name__ == "__main__":
    leave(main())
